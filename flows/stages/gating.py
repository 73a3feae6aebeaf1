"""Between a proposed candidate and its publication: it is examined, and refused if it is worse."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import SecretStr

from flows.stages.parts import taught
from flows.stages.rounds import Round
from mmcore.errors import GateFailedError, PublicationBlockedError
from mmcore.evaluation.gating.rules import GateSpec
from storage import candidates
from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.published import manifest_of
from storage.snapshot import Snapshot
from tasks.alerts import Alert, alert_of, alerted
from tasks.discretion import said
from tasks.evaluate import carried_over, evaluate_candidate, evaluate_snapshot, fail
from tasks.examining import Exam, Judged, page_of
from tasks.gate import as_blocked, told_block
from tasks.measuring import OF_THE_LAKE
from tasks.publish import propose_candidate
from tasks.recording import noted
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

Notify = Sequence[SecretStr]


def gate_of(told: GateSpec | None, manifest: Manifest | None) -> GateSpec:
    """The rules that hold: as told, else those that the snapshot was judged by."""
    evaluation = manifest.evaluation if manifest else None
    if evaluation is None or not evaluation.rules:
        return told or GateSpec()
    if told is None:
        return GateSpec(rules=tuple(evaluation.rules))
    if "rules" in told.model_fields_set:
        return told
    return told.model_copy(update={"rules": tuple(evaluation.rules)})


def rules_for(told: GateSpec | None, judged: Manifest, lake: Layout) -> GateSpec:
    """The rules that hold for what is judged once more: of what serves, where anything does."""
    try:
        return gate_of(told, manifest_of(lake))
    except NoLakeError:  # the first night was blocked
        return gate_of(told, judged)


def judge(manifest: Manifest, this: Round) -> tuple[Manifest, Judged | None]:
    """Measure and judge the candidate of a round against what serves; None where none has to be.

    Raises PublicationBlockedError or GateFailedError: it is kept, and not published.
    """
    config, work, published = this.config, this.work, this.published
    exam = Exam(config.evaluation, config.fit, config.gate)
    with this.clock.stage("evaluate") as note:
        known = carried_over(manifest, published, work)
        if known:
            note.append(f"{known.status}, as snapshot {known.report}: nothing differs")
            manifest = propose_candidate(manifest, work)
            return manifest.model_copy(update={"evaluation": known}), None
        refuse_again(manifest, exam, work, config.notify)
        manifest = propose_candidate(manifest, work)
        judged = examine(manifest, taught(published), exam, work, config.notify)
        note.append(judged.verdict.status)
    refuse_worse(judged, work, config.notify)
    return judged.manifest, judged


def refuse_again(manifest: Manifest, exam: Exam, work: Workplace, notify: Notify) -> None:
    """Raise PublicationBlockedError for what was made and blocked before: it is not scored again.

    The candidate has no number yet, and gets none.
    """
    before = as_blocked(manifest, exam.gate, work) if exam.gate.enabled else None
    if before is None:
        return
    why = f"as blocked run {before.run}, and nothing has changed since: {before.reason}"
    if before.published:
        why = f"{before.reason}, and nothing has changed since"
    report = page_of(work.lake.report(str(before.number)))
    told = Alert("blocked", before.number, before.run, manifest.parent, why=why, report=report)
    alerted(told, notify, work)
    raise PublicationBlockedError(
        before.run, before.number, why, report, published=before.published
    )


def examine(
    manifest: Manifest, published: Snapshot | None, exam: Exam, work: Workplace, notify: Notify
) -> Judged:
    """Measure and judge a proposed candidate against what serves; one that is worse is marked.

    Raises GateFailedError where it could not be scored or judged: then it is kept, marked, and
    everyone was told.
    """
    with attempted(manifest, exam, work, notify):
        return evaluate_candidate(manifest, published, exam, work)


def refuse_worse(judged: Judged, work: Workplace, notify: Notify) -> None:
    """Raise PublicationBlockedError where the gate blocked it, once everyone was told."""
    if judged.verdict.status != "block":
        return
    tell(judged, work, notify)
    told, why = judged.manifest, told_block(judged.verdict)
    raise PublicationBlockedError(told.run, told.number, why, judged.report)


def examine_again(
    manifest: Manifest, baseline: Snapshot | None, exam: Exam, work: Workplace, notify: Notify
) -> Judged:
    """The same of what was published, or blocked, before; a block is returned."""
    with attempted(manifest, exam, work, notify):
        return evaluate_snapshot(manifest, baseline, exam, work)


@contextmanager
def attempted(
    manifest: Manifest, exam: Exam, work: Workplace, notify: Notify = ()
) -> Iterator[None]:
    """What fails in this block is a GateFailedError: it is kept, and everyone was told.

    A candidate is marked as blocked. What is wrong with the lake itself is raised as it is; of a
    damaged file everyone is told first, as it stops each night until somebody mends it.
    """
    try:
        yield
    except OF_THE_LAKE as error:
        if isinstance(error, CorruptLakeError):
            why = type(error).__name__ if work.private else str(error)
            _keep_failure(manifest, why, exam, work, notify, mark=False)
        raise
    except Exception as error:
        candidate = exam.trigger != "evaluate"
        why = getattr(error, "told", None) or said(error)
        kept = type(error).__name__ if work.private else why.splitlines()[-1]
        _keep_failure(manifest, kept, exam, work, notify)
        what = "so it is not published" if candidate else "so nothing is known of it"
        why += "" if candidate else _blocked_since(manifest, work)
        raise GateFailedError(
            f"run {manifest.run} could not be scored or judged, {what}: {why}"
        ) from error


def _blocked_since(manifest: Manifest, work: Workplace) -> str:
    """The newest candidate that was made of it, and blocked: of another model, perhaps."""
    runs = sorted(one.run for one in candidates.blocked(work.lake) if one.number is not None)
    for run in reversed(runs):
        try:
            parent = read_manifest(work.lake.candidate(run) / "manifest.json").parent
        except (CorruptLakeError, LakeVersionError):
            continue
        if parent is not None and parent == manifest.number:
            anyway = f"`mmindex snapshots publish {run} --name WHO --reason TEXT`"
            return f"; run {run} was made since, and blocked: {anyway} lets that serve"
    return ""


def _keep_failure(
    manifest: Manifest,
    why: str,
    exam: Exam,
    work: Workplace,
    notify: Notify,
    *,
    mark: bool = True,
) -> None:
    """Mark it and tell everyone; where even that fails, nothing is published either."""
    try:
        judged = fail(manifest, why, exam, work, candidate=mark and exam.trigger != "evaluate")
    except Exception as error:  # noqa: BLE001 - the first error is the one to be raised
        log.warning("it could not be kept that run %s failed: %s", manifest.run, said(error))
        return
    tell(judged, work, notify)


def tell(judged: Judged, work: Workplace, notify: Notify) -> tuple[str, ...]:
    """Tell of a verdict that did not pass; returns who could not be told, as the report says."""
    alert = alert_of(judged.verdict, judged.manifest, judged.report)
    if alert is None:
        return ()
    lines = alerted(alert, notify, work)
    if lines:
        noted(judged, lines)
    return tuple(lines)
