"""The report of a training: what was tried, what it scored, and whether it serves.

``reports/training/<version>/``: ``report.json``, ``report.html`` and a picture of each curve. It
names encoders and directions, never anything of the lake's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Template
from pydantic import BaseModel, ConfigDict, ValidationError

from mmcore.evaluation.reporting.templates import templates
from mmcore.training.loop.curves import Point, plot
from mmcore.training.loop.trials import Trial, differences
from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import folders
from tasks.promote_verdict import Remembered, Unasked
from tasks.simple_fusions import FUSION, name_of

log = logging.getLogger(__name__)

JSON: Final = "report.json"
PAGE: Final = "report.html"

Status = Literal["promoted", "refused", "stored", "unchanged"]


class ToldTrial(BaseModel):
    """One way that was tried, as JSON has it."""

    model_config = ConfigDict(frozen=True)

    name: str
    settings: dict[str, Any] = {}
    scores: dict[str, float] = {}
    won: bool = False


class ToldFusion(BaseModel):
    """The fusion that was chosen; ``version`` where it was learned."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str | None = None
    weights: dict[str, float] = {}

    @property
    def model(self) -> str:
        """As a person names it: ``fusion/f2``, ``fusion/mean``."""
        return f"{FUSION}/{name_of(self.name, self.version, self.weights)}"


class TrainingReport(BaseModel):
    """What a training did, and what became of it."""

    model_config = ConfigDict(frozen=True)

    trained_at: datetime
    status: Status
    reason: str = ""  # why it does not serve
    why: str = ""  # the same as a code, where it has one (``promote_verdict.TOLD``)
    lost: list[str] = []
    models: list[str]  # what it came to, as ``projection/p3`` or ``fusion/mean``
    folder: str = ""  # that it lies in, below ``reports/training/``
    parent: int | None  # the snapshot that was learned from
    snapshot: int | None = None  # the one that it was published in
    projection: str | None = None  # the version in the candidate, new or not
    fusion: ToldFusion | None = None
    seed: int = 0
    pairs: dict[str, int] = {}  # by encoder
    few: dict[str, int] = {}
    trials: dict[str, list[ToldTrial]] = {}  # of the projection, of the fusion
    before: float | None = None  # mean RR of what served, over ``directions``
    after: float | None = None
    directions: list[str] = []  # that both are scored in
    known: dict[str, Remembered] = {}  # what was learned from, asked again: no score of retrieval
    known_before: float | None = None  # mean over its directions, with what served
    known_after: float | None = None
    unasked: Unasked = ""  # why nothing was asked so
    damaged: list[str] = []  # models that served and could not be compared with
    scores: dict[str, dict[str, float]] = {}  # of the candidate
    scores_before: dict[str, dict[str, float]] = {}
    curves: list[str] = []  # names of pictures beside the report
    seconds: dict[str, float] = {}  # by stage


def told_trials(trials: Sequence[Trial]) -> list[ToldTrial]:
    """Trials as a report has them."""
    return [ToldTrial.model_validate(trial.to_json()) for trial in trials]


def write_report(
    layout: Layout, version: str, report: TrainingReport, curves: Mapping[str, Sequence[Point]]
) -> Path:
    """Write the report of a training that came to ``version`` first; returns its page."""
    folder, names = layout.training(version), []
    for name, points in curves.items():
        if points:
            names.append(f"curves-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}.svg")
            write_bytes(folder / names[-1], plot(points, name))
    report = report.model_copy(update={"curves": names, "folder": version})
    write_bytes(folder / JSON, report.model_dump_json(indent=2).encode())
    tables = {kind: trial_table(trials) for kind, trials in report.trials.items() if trials}
    write_bytes(folder / PAGE, _template().render(report=report, tables=tables).encode())
    return folder / PAGE


def reports(layout: Layout) -> list[TrainingReport]:
    """The reports of all trainings that can be read, the oldest first."""
    found = []
    for folder in folders(layout.training("x").parent):
        try:
            told = read_object(folder / JSON)
            if told is not None:
                found.append(TrainingReport.model_validate({**told, "folder": folder.name}))
        except (CorruptLakeError, ValidationError) as error:
            log.warning("%s: cannot be read: %s", folder / JSON, error)
    return sorted(found, key=lambda report: report.trained_at)


@dataclass(frozen=True, slots=True)
class TrialTable:
    """Trials as a table: their overall scores, and those by direction in another one."""

    rows: tuple[tuple[ToldTrial, str], ...]  # and what tells it from the others
    overall: tuple[str, ...]  # names of scores
    parts: tuple[str, ...]


def trial_table(trials: Sequence[ToldTrial]) -> TrialTable:
    """The trials in the order in which they were tried; what has no score at all comes too."""
    won = next((place for place, trial in enumerate(trials) if trial.won), 0)
    how = differences([t.name for t in trials], [t.settings for t in trials], won)
    names = tuple(dict.fromkeys(name for trial in trials for name in trial.scores))
    overall = tuple(name for name in names if " " not in name)
    parts = tuple(name for name in names if " " in name)
    return TrialTable(tuple(zip(trials, how, strict=True)), overall, parts)


@cache
def _template() -> Template:
    environment = templates("tasks")
    environment.filters["share"] = lambda value: "–" if value is None else f"{value:.3f}"
    return environment.get_template("training_report.html.jinja")
