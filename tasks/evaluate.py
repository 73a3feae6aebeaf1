"""Evaluate a candidate, or what is published: measured, judged and written down."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task

from storage import candidates, history, publication
from storage.errors import (
    CandidateOutdatedError,
    CorruptLakeError,
    LakeLockedError,
    LakeVersionError,
    NoLakeError,
)
from storage.history import Entry
from storage.manifest import Evaluation, Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.examining import Exam, Judged, examined
from tasks.gate import DECIDING, told_block
from tasks.manifests import same_files
from tasks.policies import POLICY
from tasks.recording import failed, recorded
from tasks.repeated import repeated, with_findings
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@task(name="evaluate", **POLICY)
@discreet
def evaluate_candidate(
    manifest: Manifest, baseline: Snapshot | None, exam: Exam, work: Workplace
) -> Judged:
    """Measure and judge the numbered candidate; one that is worse is marked as blocked, and why.

    Whatever is raised means that it could not be judged: it may not be published.
    """
    report, verdict, both = examined(manifest, baseline, exam, work)
    judged = recorded(report, verdict, both, exam, work)
    if verdict.status == "block":
        block(judged, exam, work)
    return judged


def block(judged: Judged, exam: Exam, work: Workplace) -> None:
    """Mark a candidate as refused; its manifest keeps what it scored."""
    verdict = judged.verdict
    why = told_block(verdict) if verdict.status == "block" else verdict.why
    candidates.write_candidate(work.lake, judged.manifest)
    candidates.block(
        work.lake,
        judged.manifest.run,
        why or told_block(verdict),
        verdict.model_dump(mode="json", include={"status", "baseline", "findings"}),
        exam.gate.digest,
    )


@task(name="evaluate-snapshot", **POLICY)
@discreet
def evaluate_snapshot(
    manifest: Manifest, baseline: Snapshot | None, exam: Exam, work: Workplace
) -> Judged:
    """Measure and judge what was published, or blocked, before; its manifest stays as it is.

    That it scores otherwise than it did, with the same files, is a finding of its own.
    """
    report, verdict, both = examined(manifest, baseline, exam, work)
    verdict = with_findings(verdict, repeated(manifest, both, work))
    return recorded(report, verdict, both, exam, work)


@task(name="fail", **POLICY)
@discreet
def fail(manifest: Manifest, why: str, exam: Exam, work: Workplace, *, candidate: bool) -> Judged:
    """Keep that something could not be judged; a candidate is marked as blocked."""
    judged = failed(manifest, why, exam, work)
    if candidate:
        block(judged, exam, work)
    return judged


def carried_over(
    manifest: Manifest, published: Snapshot | None, work: Workplace
) -> Evaluation | None:
    """The published evaluation, where all that it was made of and by is the candidate's too.

    A file that was touched changes the table of files alone, and no score: so its verdict, with
    the baseline of it, stands. None where the report that it is told in is gone.
    """
    if published is None or published.manifest.evaluation is None:
        return None
    before, told = published.manifest, published.manifest.evaluation
    if not same_files(manifest, before, but=(work.lake.relative(work.lake.rows("files")),)):
        return None
    if any(getattr(manifest, name) != getattr(before, name) for name in DECIDING):
        return None
    report = before.number if told.report is None else told.report
    if not (work.lake.report(str(report)) / "report.json").exists():
        return None
    return told.model_copy(update={"report": report})


@dataclass(frozen=True, slots=True)
class Back:
    """What became of a rollback: the snapshot that serves now, or why none other does."""

    number: int | None = None
    why: str = ""


@task(name="roll-back", **POLICY)
@discreet
def roll_back_from(judged: Judged, exam: Exam, work: Workplace) -> Back:
    """Let the snapshot serve that a published one was found worse than; the history says so.

    Only where that one still serves, nobody let it serve all the same, and the other opens whole.
    The caller has the lake's lock.
    """
    told, number = judged.manifest, judged.verdict.baseline
    if (by := history.override_of(history.read(work.lake), told)) is not None:
        way = "" if number is None else f"; `mmindex snapshots rollback {number}` goes back"
        return Back(why=f"{by.name} let it serve all the same ({by.reason}){way}")
    if number is None or told.number is None:
        return Back(why="there is no snapshot that it was compared with")
    entry = Entry(
        when=datetime.now(UTC),
        snapshot=told.number,
        run=told.run,
        trigger="rollback",
        config=told.evaluation.config if told.evaluation else "",
        verdict="block",
        baseline=number,
    )
    try:
        publication.roll_back(work.lake, number, serving=told.number, entry=entry)
    except (
        CandidateOutdatedError,
        CorruptLakeError,
        LakeLockedError,
        LakeVersionError,
        NoLakeError,
    ) as error:
        log.warning("not rolled back to snapshot %d: %s", number, error)
        return Back(why=str(error))
    return Back(number)
