"""Choose a fusion by what held-out items say, and fit it on all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.fusion.base import PLAIN, Fusion, fusion_of
from mmcore.fusion.learned import LEARNED
from mmcore.fusion.models import FusionModel
from mmcore.specs import FusionSpec
from mmcore.training.fusing.chosen import chosen_items, of_items
from mmcore.training.fusing.contents import Contents, contents_of
from mmcore.training.fusing.grid import Grid
from mmcore.training.fusing.scoring import Exam, Found, best_of, ranks_of
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.trials import Trial
from mmcore.training.rows import Rows
from mmcore.training.unseen import Unseen
from storage.schemas import Modality

_WEIGHTED: Final = "weighted"


@dataclass(frozen=True, slots=True, eq=False)
class FittedFusion:
    """The fusion that won, its model where it has one, and what else was tried."""

    name: str
    weights: dict[str, float] | None = None  # of ``weighted``, by modality
    files: dict[str, bytes] | None = None  # of a learned one
    trials: tuple[Trial, ...] = ()
    curves: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    reason: str = ""  # why nothing was fitted

    @property
    def spec(self) -> FusionSpec:
        """It as a run is told it."""
        return FusionSpec(name=self.name, weights=self.weights or {})


def fit_fusion(
    space: str,
    rows: Mapping[Modality, Rows],
    spec: FusionFitSpec,
    version: str,
    unseen: Unseen | None = None,
) -> FittedFusion:
    """Fit the candidates of ``spec`` on items, and choose one by items that are held out in turn.

    Items with two contents or more are asked for by each content alone, and by each two of
    different sides, and sought by what they are without these, among all items: held-out ones lie
    as new ones would, others as the lake has them. Folds go by caption and content. A candidate
    wins over a simpler one if it is better by ``spec.gain`` and by more than a standard error, and
    single contents lose no more than that against the simplest; it is then fitted on all. With
    fewer than ``min_items`` of them it is the mean, and ``reason`` says why. Of more than
    ``max_items`` the first are taken, before anything is made of their rows.

    A learned one names what it was fitted on. Weights do not: they are at most three numbers out
    of three each (``grid.WEIGHTS``), which tell nothing of one item and cannot favour it.

    Args:
        space: the shared space, which the vectors lie in.
        rows: the vectors by modality, as ``lake_rows(…, space="shared")`` gives them, all in
            ``space``; what is held out for evaluation, and its items, must be left out of them.
        spec: what is tried, and how.
        version: what a learned one is called, "f1" …
        unseen: where contents lie by projections that were not fitted on them, by modality. A
            projection places the media that it has seen too near to their captions, and what is
            chosen by those is worse than the mean on others.

    Raises:
        TrainingError: a vector, or a loss, is no number.
    """
    items = chosen_items(rows, spec.max_items)
    contents, captions = contents_of({m: of_items(of, items) for m, of in rows.items()}, unseen)
    contents = contents.take(contents.learnable())
    if (why := _too_few(contents, spec)) is not None:
        return FittedFusion(PLAIN, trials=(Trial(PLAIN, won=True),), reason=why)
    tried: dict[str, _Candidate] = {n: _candidate(n, contents) for n in spec.candidates}
    for part in np.unique(contents.parts(spec.folds)).tolist():
        held = contents.parts(spec.folds) == part
        exam, others = Exam.of(contents, held), contents.take(~held)
        for candidate in tried.values():
            candidate.ask(exam, others, part, spec)
    found = {name: candidate.found() for name, candidate in tried.items()}
    winner = tried[best_of(found, list(tried), spec.gain)]
    trials = tuple(
        Trial(name, c.settings, found[name].scores(), c is winner) for name, c in tried.items()
    )
    files = None
    if isinstance(winner, _Learned):
        model = _model(winner, contents, spec, space, version)
        files = _named(model, contents, captions, trials, spec)
    curves = {name: c.points for name, c in tried.items() if isinstance(c, _Learned) and c.points}
    weights = winner.grid.tried[winner.grid.best()] if isinstance(winner, _Weighted) else None
    return FittedFusion(winner.name, weights, files, trials, curves)


def _too_few(contents: Contents, spec: FusionFitSpec) -> str | None:
    if len(contents) < spec.min_items:
        return (
            f"{len(contents)} items have two contents in the shared space, and a fusion is fitted"
            f" on {spec.min_items} at least"
        )
    if len(set(contents.parts(spec.folds).tolist())) < (2 if contents.placed else spec.folds):
        groups = len(set(contents.groups.tolist()))
        return (
            f"the {len(contents)} items are {groups} group{'s' * (groups > 1)} that share no"
            " caption and no file, too few to hold some of them out"
        )
    return None


class _Candidate(Protocol):
    """One way to fuse, which is fitted on all parts but one and asked by that, for each part."""

    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """What the parts settled."""

    def ask(self, exam: Exam, others: Contents, part: int, spec: FusionFitSpec) -> None:
        """Fit on ``others``, and answer the questions of ``part``."""

    def found(self) -> Found:
        """What it found in all parts."""


def _candidate(name: str, contents: Contents) -> _Candidate:
    if name in LEARNED:
        return _Learned(name)
    return _Weighted(Grid.of(contents)) if name == _WEIGHTED else _Fixed(name)


@dataclass(slots=True)
class _Fixed:
    """A fusion with nothing to fit."""

    name: str
    asked: list[Found] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def ask(self, exam: Exam, others: Contents, part: int, spec: FusionFitSpec) -> None:
        """See _Candidate."""
        self.asked.append(_asked(fusion_of(FusionSpec(name=self.name)), exam))

    def found(self) -> Found:
        """See _Candidate."""
        return Found.together(self.asked)


@dataclass(slots=True)
class _Weighted:
    """The best weights of a grid; a part is answered by those that are best in the others."""

    grid: Grid
    name: str = _WEIGHTED

    @property
    def settings(self) -> dict[str, Any]:
        """The weights that are best in all parts."""
        return {"weights": self.grid.tried[self.grid.best()]} if self.grid.found else {}

    def ask(self, exam: Exam, others: Contents, part: int, spec: FusionFitSpec) -> None:
        """See _Candidate."""
        self.grid.ask(exam, part)

    def found(self) -> Found:
        """See _Candidate."""
        return self.grid.held()


@dataclass(slots=True)
class _Learned:
    """A network, and what each part took to train it."""

    name: str
    asked: list[Found] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    points: tuple[Point, ...] = ()  # of the first part
    settings: dict[str, Any] = field(default_factory=dict)

    def ask(self, exam: Exam, others: Contents, part: int, spec: FusionFitSpec) -> None:
        """See _Candidate."""
        from mmcore.training.fusing.network import architecture, stopped  # noqa: PLC0415 - torch

        done = stopped(self.name, others, spec)
        self.epochs.append(done.epochs)
        self.points = self.points or done.points
        self.settings = {
            **architecture(self.name, others.vectors.shape[1], spec),
            "learning_rate": spec.learning_rate,
            "epochs": self.rounds,
        }
        self.asked.append(_asked(done.fusion(self.name), exam))

    def found(self) -> Found:
        """See _Candidate."""
        return Found.together(self.asked)

    @property
    def rounds(self) -> int:
        """How many epochs it is trained on all items: as many as the parts took on average."""
        return max(1, round(float(np.mean(self.epochs)))) if self.epochs else 0


def _asked(fusion: Fusion, exam: Exam) -> Found:
    found = Found()
    found.add(exam, ranks_of(fusion, exam))
    return found


def _model(
    winner: _Learned, contents: Contents, spec: FusionFitSpec, space: str, version: str
) -> FusionModel:
    """The network, trained on all items; what it was trained on is not told yet."""
    from mmcore.training.fusing.network import architecture, trained  # noqa: PLC0415 - torch

    done = trained(winner.name, contents, spec, winner.rounds)
    tensors = {name: t.detach().numpy().copy() for name, t in done.network.state_dict().items()}
    shape = architecture(winner.name, contents.vectors.shape[1], spec)
    return FusionModel(winner.name, version, space, shape, tensors, {})


def _named(
    model: FusionModel,
    contents: Contents,
    captions: frozenset[str],
    trials: tuple[Trial, ...],
    spec: FusionFitSpec,
) -> dict[str, bytes]:
    """The files of ``model``, whose record says what it was trained on, and how it was chosen."""
    seen = FittedOn(frozenset(contents.content_ids), caption_digests(captions))
    told = {
        "fitted_on": seen.to_json(),
        "items": len(contents),
        "seed": spec.seed,
        "spec": spec.model_dump(mode="json"),
        "trials": [trial.to_json() for trial in trials],
    }
    told_of = replace(model, told=told)
    return told_of.to_files(card_of(told_of, trials))


def card_of(model: FusionModel, trials: tuple[Trial, ...]) -> str:
    """What a person is told of a trained fusion, in Markdown."""
    lines = [
        f"# Fusion {model.kind} {model.version}",
        "",
        f"Fuses what an item has in the space {model.space} ({model.dim} dimensions), and stays in"
        " it.",
        f"Trained on {model.told['items']} items of this lake with seed {model.told['seed']}; none"
        " has a caption that is held out for evaluation.",
        "",
        "Held-out items, in folds by caption, found among all by single contents and by pairs:",
        "",
        "| fusion | RR | Success@10 | |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {trial.name} | {trial.scores['RR']:.3f} | {trial.scores['Success@10']:.3f} |"
        f" {'this one' if trial.won and trial.name == model.kind else ''} |"
        for trial in trials
    ]
    lines += [
        "",
        "Licence: it was made of your media, by what the encoders say of them; it may be used as"
        " both may be.",
        "`config-*.json` names what it was trained on by hashes.",
    ]
    return "\n".join(lines) + "\n"
