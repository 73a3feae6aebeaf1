"""Figures of a lake and its runs for Prometheus, where a setting wants them.

``MMINDEX_METRICS`` names the folder of the node exporter's textfile collector
(``--collector.textfile.directory``). Nothing is sent anywhere: files are written there.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from flows.config.evaluate import EvaluateResult
from flows.config.index import IndexResult
from flows.config.maintain import MaintainResult
from flows.config.train import PromoteResult
from flows.orchestration.run import Ending, Run
from mmcore.errors import GateFailedError, PublicationBlockedError
from mmcore.specs import Spec
from storage.manifest import Status

log = logging.getLogger(__name__)

VARIABLE: Final = "MMINDEX_METRICS"
SHOWN: Final = ("Success@1", "Success@10", "RR")
"""Measures of retrieval that are told; the history has all."""

_KINDS: Final[Mapping[str, Status]] = {
    PublicationBlockedError.__name__: "block",
    GateFailedError.__name__: "failed",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric: its name, what it is, and a value by label, or one under ""."""

    name: str
    about: str
    values: Mapping[str, float]
    label: str = ""
    further: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # by "measure"


def keep(run: Run, ending: Ending, result: Spec | None) -> None:
    """Write what is known of a run that ended; a folder that cannot be written is a warning.

    A run that fails leaves the figures of the last good one, and their time, as they are.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    base = Path(folder).expanduser() / f"mmindex-{run.place}-{run.flow}"
    try:
        _write(Path(f"{base}-run.prom"), run, of_run(run, ending, result))
        if result is not None:
            _write(Path(f"{base}.prom"), run, of_result(result))
    except OSError as error:
        log.warning("%s=%s: no metrics are written: %s", VARIABLE, folder, error.strerror)


def _write(path: Path, run: Run, figures: Iterator[Figure]) -> None:
    registry = CollectorRegistry()
    for one in figures:
        extra = [one.label] if one.label else []
        extra += ["measure"] if one.further else []
        gauge = Gauge(
            f"mmindex_{one.name}", one.about, ["lake", "flow", *extra], registry=registry
        )
        for value, labels in _samples(one):
            gauge.labels(run.lake, run.flow, *labels).set(value)
    write_to_textfile(str(path), registry)


def _samples(figure: Figure) -> Iterator[tuple[float, list[str]]]:
    for name, value in figure.values.items():
        yield value, [name] if figure.label else []
    for name, values in figure.further.items():
        yield from ((value, [name, measure]) for measure, value in values.items())


def of_run(run: Run, ending: Ending, result: Spec | None) -> Iterator[Figure]:
    """How the last run ended, well or not, and what the gate said in it."""
    ended = run.began + ending.seconds
    yield Figure("run_started_timestamp_seconds", "When the last run began", {"": run.began})
    yield Figure("run_ended_timestamp_seconds", "When the last run ended", {"": ended})
    yield Figure("run_exit_code", "How the last run ended: 0 is well", {"": ending.code})
    status = getattr(result, "verdict", None) if result else _KINDS.get(ending.kind)
    if isinstance(result, EvaluateResult):
        status = result.status
    if status in get_args(Status):
        values = {name: float(name == status) for name in get_args(Status)}
        yield Figure("run_gate", "What the gate said in the last run", values, "verdict")


def of_result(result: Spec) -> Iterator[Figure]:
    """What a run that ended well did, and the lake it left."""
    now = time.time()
    yield Figure("run_success_timestamp_seconds", "When a run last ended well", {"": now})
    seconds = getattr(result, "seconds", {})
    yield Figure("run_stage_seconds", "Seconds of a stage in that run", seconds, "stage")
    snapshot = getattr(result, "snapshot", None)
    if snapshot is not None:
        yield Figure("lake_snapshot", "Number of the snapshot that run left", {"": snapshot})
    if isinstance(result, IndexResult):
        yield from _indexed(result)
    if isinstance(result, MaintainResult):
        yield Figure("run_removed_files", "Files that run removed", result.files, "kind")
        yield Figure("run_removed_bytes", "Bytes that run removed", result.bytes, "kind")
    if isinstance(result, IndexResult | EvaluateResult | PromoteResult):
        yield from _scores(result.scores)


def _indexed(result: IndexResult) -> Iterator[Figure]:
    yield Figure("lake_items", "Items of the lake", {"": result.items})
    yield Figure("lake_files", "Files of the lake", result.files, "modality")
    yield Figure("lake_segments", "Live segments of the lake", result.segments, "modality")
    about = "Files that could not be used"
    yield Figure("lake_quarantined_files", about, result.quarantined, "reason")
    about = "Files that wait for the next run, since they were written a moment ago"
    yield Figure("lake_waiting_files", about, {"": result.waiting})
    yield Figure("run_embedded_contents", "Contents embedded by that run", result.new, "encoder")
    work = result.work
    rates = {name: one.rate for name, one in work.items()}
    about = "Segments a second while that run embedded"
    yield Figure("run_segments_per_second", about, rates, "encoder")
    busy = {name: one.busy for name, one in work.items()}
    about = "Share of the devices' time in which the model ran"
    yield Figure("run_device_busy_ratio", about, busy, "encoder")


def _scores(scores: Mapping[str, Mapping[str, float]]) -> Iterator[Figure]:
    shown = {
        direction: {name: means[name] for name in SHOWN if name in means}
        for direction, means in scores.items()
    }
    if any(shown.values()):
        yield Figure("lake_score", "Mean over a direction's queries", {}, "direction", shown)
