"""Write down what an exam came to: report, history, and what a manifest keeps of them."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from pathlib import Path

from mmcore.evaluation import measures
from mmcore.evaluation.gating import gate
from mmcore.evaluation.reporting.page import write_page
from mmcore.evaluation.reporting.report import JSON, write_json, write_report
from mmcore.evaluation.scores import Drift, GateVerdict, Report
from storage import history
from storage.history import Entry
from storage.manifest import Evaluation, Manifest
from storage.places.place import read_now
from storage.snapshot import Snapshot
from tasks import artifacts
from tasks.examining import Exam, Judged, label_of, quarantine_share
from tasks.measuring import Both, end_evaluations, folder_of
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


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
    few = {one.name: one.queries for one in report.unscored if "/" in one.name and not one.why}
    return Judged(manifest.model_copy(update={"evaluation": told}), verdict, folder, few)


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
    return {label_of(direction): dict(direction.means) for direction in report.directions}


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
        queries={label_of(one): one.queries for one in report.directions},
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
