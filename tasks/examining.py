"""Judge what was measured, and write it down: report, history, what a manifest keeps."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mmcore.evaluation import coverage, measures
from mmcore.evaluation.gating import gate
from mmcore.evaluation.gating.accepted import softened
from mmcore.evaluation.gating.compare import Comparison
from mmcore.evaluation.gating.drift import drift, foreign_ids
from mmcore.evaluation.gating.gate import Evidence
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting.page import write_page
from mmcore.evaluation.reporting.report import JSON, Found, report_of, write_json, write_report
from mmcore.evaluation.scores import Direction, Drift, GateVerdict, Report
from mmcore.specs import EvaluationSpec, FitSpec
from storage import history
from storage.errors import CorruptLakeError, LakeVersionError
from storage.history import Entry, Trigger
from storage.manifest import Evaluation, Manifest, read_manifest
from storage.places.place import read_now
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot, published
from tasks import artifacts
from tasks.measuring import Both, both_measured, end_evaluations, folder_of
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
    scored = [_label(direction) for direction in report.directions]
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


def _using(names: Iterable[str], modality: str) -> tuple[str, ...]:
    found = tuple(name for name in names if modality in _sides(name))
    return found or (f"*→{modality}",)


def _sides(name: str) -> set[str]:
    direction = name.rpartition("/")[2]  # of a user's set
    return {side.partition(":")[0] for side in direction.partition("→")[::2]}


def recorded(
    report: Report, verdict: GateVerdict, both: Both, exam: Exam, work: Workplace
) -> Judged:
    """Write report and history; the manifest with its evaluation.

    What fails in ``report.json`` or what it stands on is raised; a page that fails only warns.
    """
    manifest = both.after.snapshot.manifest
    folder = folder_of(work, manifest)
    report = report.model_copy(update={"verdict": verdict})
    depth = exam.evaluation.run_depth
    report = write_report(report, both.after.full, folder, run_depth=depth)
    before = history.read(work.lake)
    history.append(work.lake, entry_of(report, manifest, exam, both))
    _shown(report, before, both.after.snapshot, folder, work)
    end_evaluations(work.lake)
    told = summary(report, exam)
    return Judged(manifest.model_copy(update={"evaluation": told}), verdict, folder)


def _shown(
    report: Report, before: list[Entry], snapshot: Snapshot, folder: Path, work: Workplace
) -> None:
    """The page, and Prefect's artifacts: what fails here is said, and changes nothing."""
    page = None
    try:
        page = write_page(report, snapshot, folder, before)
    except Exception as error:  # noqa: BLE001 - no picture is worth a verdict
        why = "" if work.private else f": {error}"
        log.warning("no page of the report: %s%s", type(error).__name__, why)
    artifacts.show(report, page, before, private=work.private)


def summary(report: Report, exam: Exam) -> Evaluation:
    """What a manifest keeps of a report."""
    verdict = report.verdict
    return Evaluation(
        status=report.status,
        reason=report.reason,
        queries=sum(direction.queries for direction in report.directions),
        scores=scores_of(report),
        verdict=verdict.status if verdict else None,
        baseline=verdict.baseline if verdict else None,
        config=report.config,
        sets=report.sets,
        rules=list(exam.gate.rules),
    )


def scores_of(report: Report) -> dict[str, dict[str, float]]:
    """Direction → measure → mean; one of a user's set has the set's name before it."""
    return {_label(direction): dict(direction.means) for direction in report.directions}


def _label(direction: Direction) -> str:
    held_out = direction.set == HELD_OUT
    return direction.name if held_out else f"{direction.set}/{direction.name}"


def entry_of(report: Report, manifest: Manifest, exam: Exam, both: Both) -> Entry:
    """What stays of an evaluation for ever: numbers, and names of directions."""
    verdict = report.verdict
    findings = verdict.findings if verdict else []
    blocks = [name for one in findings if one.action == "block" for name in one.directions]
    items = max(1, manifest.counts.get("items", 0))
    return Entry(
        when=report.evaluated_at,
        snapshot=manifest.number or 0,
        run=manifest.run,
        trigger=exam.trigger,
        config=report.config,
        sets=report.sets,
        encoders=report.encoders,
        scores=scores_of(report),
        queries={_label(one): one.queries for one in report.directions},
        recall={one.index: one.recall for one in report.index_recall},
        coverage={one.modality: one.items / items for one in report.coverage},
        quarantine=quarantine_share(both.after.snapshot),
        latency={"p50": report.latency.p50, "p95": report.latency.p95} if report.latency else {},
        drift={f"{one.modality}/{one.space}": _numbers(one) for one in report.drift},
        verdict=verdict.status if verdict else "unmeasured",
        baseline=verdict.baseline if verdict else None,
        blocked=list(dict.fromkeys(blocks)),
    )


def _numbers(one: Drift) -> dict[str, float]:
    told = one.model_dump(include={"changed", "shift", "norm", "overlap"})
    known = {name: value for name, value in told.items() if value is not None}
    return {name: value for name, value in known.items() if math.isfinite(value)}


def failed(manifest: Manifest, why: str, exam: Exam, work: Workplace) -> Judged:
    """What is kept of a candidate that could not be scored or judged: only that, and why."""
    verdict = gate.failed(why, manifest.parent)
    entry = Entry(
        when=datetime.now(UTC),
        snapshot=manifest.number or 0,
        run=manifest.run,
        trigger=exam.trigger,
        config=measures.fingerprint(exam.evaluation),
        verdict="failed",
        baseline=manifest.parent,
    )
    try:
        history.append(work.lake, entry)
    except Exception as error:  # noqa: BLE001 - the disk may be what failed; it is blocked anyway
        log.warning("%s: %s", work.lake.history, error)
    return Judged(manifest, verdict, folder_of(work, manifest))


def noted(judged: Judged, lines: list[str]) -> None:
    """Say in a report that somebody could not be told."""
    path = judged.folder / JSON
    try:
        report = Report.model_validate_json(read_now(path))
        write_json(report.model_copy(update={"notified": lines}), path.parent)
    except (OSError, ValueError) as error:
        log.warning("%s: it does not say who was not notified: %s", path, error)
