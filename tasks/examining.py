"""Judge what was measured: a snapshot or a candidate beside what it is held against."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.evaluation import coverage
from mmcore.evaluation.gating import gate
from mmcore.evaluation.gating.accepted import softened
from mmcore.evaluation.gating.compare import Comparison
from mmcore.evaluation.gating.drift import drift, foreign_ids
from mmcore.evaluation.gating.gate import Evidence
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting.report import JSON, Found, report_of
from mmcore.evaluation.scores import Direction, Drift, GateVerdict, Report
from mmcore.specs import EvaluationSpec, FitSpec
from storage.errors import CorruptLakeError, LakeVersionError
from storage.history import Trigger
from storage.manifest import Manifest, read_manifest
from storage.published import published
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot
from tasks.measuring import Both, both_measured
from tasks.scored import scored_by
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

OFF: Final = "the gate is switched off"
PAGE: Final = "report.html"


@dataclass(frozen=True, slots=True)
class Exam:
    """By what a snapshot or candidate is measured and judged."""

    evaluation: EvaluationSpec
    fit: FitSpec
    gate: GateSpec
    trigger: Trigger = "index"
    promotion: bool = False  # what is examined came by a promotion: directions were traded
    accepted: tuple[str, ...] = ()  # what somebody let it serve with; that only warns


@dataclass(frozen=True, slots=True)
class Judged:
    """What an exam came to; ``manifest`` has it as its evaluation."""

    manifest: Manifest
    verdict: GateVerdict
    folder: Path  # of its report
    too_few: Mapping[str, int] = field(default_factory=dict)
    """Direction of a user's set that was not scored → its queries."""

    @property
    def report(self) -> str:
        """The page of its report."""
        return page_of(self.folder)


def page_of(folder: Path) -> str:
    """The page of a report; its JSON where that page could not be made."""
    page = folder / PAGE
    return str(page if page.exists() else folder / JSON)


def examined(
    manifest: Manifest,
    baseline: Snapshot | None,
    exam: Exam,
    work: Workplace,
    *,
    keep: bool = True,
) -> tuple[Report, GateVerdict, Both]:
    """Measure a snapshot or candidate beside its baseline, and judge it.

    Nothing is written but, with ``keep``, what lets a run that is killed go on.
    """
    against = baseline if exam.gate.enabled else None
    both = both_measured(manifest, against, exam.evaluation, exam.fit, work, keep=keep)
    against, moved = moved_from(against, both)
    report = reported(both, moved, against)
    found = evidence(both, report, both.comparison(exam.gate), against, promotion=exam.promotion)
    verdict = softened(gate.judge(found, exam.gate), exam.accepted)
    return report, settled(verdict, exam.gate), both


def moved_from(baseline: Snapshot | None, both: Both) -> tuple[Snapshot | None, list[Drift]]:
    """How vectors moved, and from which snapshot: from none where that one is not whole."""
    try:
        return baseline, drift(baseline, both.after.snapshot)
    except CorruptLakeError:
        if baseline is None or both.before is not None:
            raise
        return None, drift(None, both.after.snapshot)


def settled(verdict: GateVerdict, spec: GateSpec) -> GateVerdict:
    """The verdict as it counts: a gate that is switched off says nothing."""
    if spec.enabled:
        return verdict
    return verdict.model_copy(update={"status": "unmeasured", "why": OFF, "findings": []})


def reported(both: Both, moved: list[Drift], baseline: Snapshot | None) -> Report:
    """The report, as yet without a verdict."""
    after = both.after
    found = Found(
        index_recall=after.recall,
        served=after.served,
        searched=after.searched,
        drift=moved,
        latency=after.latency,
        sets=both.sets,
        baseline=baseline,
    )
    return report_of(after.snapshot, after.measured, both.terms, found)


def evidence(
    both: Both,
    report: Report,
    comparison: Comparison | None,
    baseline: Snapshot | None,
    *,
    promotion: bool = False,
) -> Evidence:
    """What the verdict is made of."""
    after, world = both.after.snapshot, both.terms.world
    before = None if baseline is None else coverage.coverage(baseline, after)
    share = None if baseline is None else quarantine_share(baseline)
    return Evidence(
        comparison=comparison,
        drift=report.drift,
        foreign=foreign_ids(after),
        recall=report.index_recall,
        coverage=(before, coverage.coverage(after, baseline)),
        quarantine=(share, quarantine_share(after)),
        directions=directions_of(after, report, comparison),
        baseline=None if baseline is None else baseline.manifest.number,
        promotion=promotion,
        p95=report.latency.p95 if report.latency else None,
        unmeasured=both.why,
        parent=after.manifest.parent,
        partial=_after_a_part(after),
        kept=after.manifest.parent in published(after.layout),
        was_measured=_was_measured(baseline),
        full=both.after.full,
        min_queries=both.terms.spec.min_queries,
        scored=None if baseline is None else scored_by(baseline, both),
        items=(0, 0) if world is None else (len(world.pairs.items), world.changed),
    )


def _after_a_part(snapshot: Snapshot) -> bool:
    """Whether what served when it was made is a part of a first run."""
    lake, parent = snapshot.layout, snapshot.manifest.parent
    if parent not in published(lake):
        return False
    try:
        return read_manifest(lake.snapshot(parent) / "manifest.json").partial is not None
    except (CorruptLakeError, LakeVersionError) as error:
        log.warning("%s", error)
        return False


def _was_measured(baseline: Snapshot | None) -> bool:
    told = None if baseline is None else baseline.manifest.evaluation
    return told is not None and told.status == "measured"


def quarantine_share(snapshot: Snapshot) -> float:
    """Files with a row in the quarantine, of all files that the crawl found."""
    names = ["root", "path"]
    bad = snapshot.rows("quarantine", names).group_by(names).aggregate([])
    files = snapshot.rows("files", names)
    total = files.num_rows + bad.join(files, names, join_type="left anti").num_rows
    return bad.num_rows / total if total else 0.0


def directions_of(
    snapshot: Snapshot, report: Report, comparison: Comparison | None
) -> dict[str, tuple[str, ...]]:
    """Index, ``modality/space`` and modality → directions that use it, the one that fell first.

    Where none was measured it is every direction to that modality.
    """
    rows = comparison.rows if comparison else ()
    fell = {row.direction: row.drop for row in rows}
    scored = [label_of(direction) for direction in report.directions]
    lost = comparison.lost if comparison else ()
    names = sorted(dict.fromkeys([*scored, *lost]), key=lambda name: -fell.get(name, 0.0))
    manifest = snapshot.manifest
    keys = {entry.name: entry.modality for entry in manifest.indexes}
    for modality in MODALITIES:
        keys |= {f"{modality}/{space}": modality for space in manifest.spaces(modality)}
        keys[modality] = modality
    if manifest.fusion is not None:
        keys |= {f"{FUSED}/{manifest.fusion.space}": FUSED, FUSED: FUSED}
    return {key: _using(names, modality) for key, modality in keys.items()}


def label_of(direction: Direction) -> str:
    """Names a direction; one of a user's set has the set's name before it."""
    held_out = direction.set == HELD_OUT
    return direction.name if held_out else f"{direction.set}/{direction.name}"


def _using(names: Iterable[str], modality: str) -> tuple[str, ...]:
    found = tuple(name for name in names if modality in _sides(name))
    return found or (f"*→{modality}",)


def _sides(name: str) -> set[str]:
    direction = name.rpartition("/")[2]  # of a user's set
    return {side.partition(":")[0] for side in direction.partition("→")[::2]}
