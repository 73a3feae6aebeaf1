"""Choose a fusion by what held-out items say, and fit it on all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.fusion.base import PLAIN, Fusion, fusion_of
from mmcore.fusion.learned import LEARNED
from mmcore.fusion.models import FusionModel
from mmcore.specs import FusionSpec
from mmcore.training.fusing.chosen import chosen_items, of_items
from mmcore.training.fusing.contents import Contents, contents_of
from mmcore.training.fusing.grid import best_weights
from mmcore.training.fusing.scoring import Exam, Found, best_of, ranks_of
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.trials import Trial
from mmcore.training.rows import Rows
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
    space: str, rows: Mapping[Modality, Rows], spec: FusionFitSpec, version: str
) -> FittedFusion:
    """Fit the candidates of ``spec`` on items, and choose one by items that are held out in turn.

    Items with two contents or more are asked for by each content alone, and by each two of
    different sides, and sought by what they are without these. Folds go by caption. A candidate
    wins over a simpler one if it is better by more than a standard error; it is then fitted on all
    items. With fewer than ``min_items`` of them it is the mean, and ``reason`` says why. Of more
    than ``max_items`` the first are taken, before anything is made of their rows.

    A learned one names what it was fitted on. Weights do not: they are at most three numbers out
    of three each (``grid.WEIGHTS``), which tell nothing of one item and cannot favour it.

    Args:
        space: the shared space, which the vectors lie in.
        rows: the vectors by modality, as ``lake_rows(…, space="shared")`` gives them, all in
            ``space``; what is held out for evaluation, and its items, must be left out of them.
            They must be as those of new items are: by a projection that was not fitted on the
            same items (``placed_unseen``). One places the media that it has seen too near to their
            captions, and what is chosen by those is worse than the mean on others.
        spec: what is tried, and how.
        version: what a learned one is called, "f1" …

    Raises:
        TrainingError: a vector, or a loss, is no number.
    """
    items = chosen_items(rows, spec.max_items)
    contents, captions = contents_of({m: of_items(of, items) for m, of in rows.items()})
    contents = contents.take(contents.learnable())
    if (why := _too_few(contents, spec)) is not None:
        return FittedFusion(PLAIN, trials=(Trial(PLAIN, won=True),), reason=why)
    tried: dict[str, _Candidate] = {name: _Candidate(name) for name in spec.candidates}
    for candidate in tried.values():
        candidate.try_on(contents, spec)
    winner = tried[best_of({n: c.found for n, c in tried.items()}, list(tried))]
    weights = best_weights(contents) if winner.name == _WEIGHTED else None
    trials = tuple(c.trial(won=c is winner) for c in tried.values())
    files = None
    if winner.name in LEARNED:
        model = _model(winner, contents, spec, space, version)
        files = _named(model, contents, captions, trials, spec)
    curves = {name: c.points for name, c in tried.items() if c.points}
    return FittedFusion(winner.name, weights, files, trials, curves)


def _too_few(contents: Contents, spec: FusionFitSpec) -> str | None:
    if len(contents) < spec.min_items:
        return (
            f"{len(contents)} items have two contents in the shared space, and a fusion is fitted"
            f" on {spec.min_items} at least"
        )
    folds = set(contents.fold(spec.folds).tolist())
    if len(folds) < spec.folds:
        return "the items' captions are too alike to hold some of them out"
    return None


@dataclass(slots=True)
class _Candidate:
    """One way to fuse: what it found on held-out items, and what each fold settled."""

    name: str
    found: Found = field(default_factory=Found)
    epochs: list[int] = field(default_factory=list)
    points: tuple[Point, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def try_on(self, contents: Contents, spec: FusionFitSpec) -> None:
        """Fit on all folds but one, and ask the items of that one; for each fold."""
        folds = contents.fold(spec.folds)
        for number in range(spec.folds):
            fusion = self._fitted(contents.take(folds != number), spec)
            held = Exam.of(contents.take(folds == number))
            self.found.add(held, ranks_of(fusion, held))

    def _fitted(self, contents: Contents, spec: FusionFitSpec) -> Fusion:
        if self.name in LEARNED:
            from mmcore.training.fusing.network import architecture, stopped  # noqa: PLC0415 - torch

            done = stopped(self.name, contents, spec)
            self.epochs.append(done.epochs)
            self.points = self.points or done.points  # of the first fold
            self.settings = {
                **architecture(self.name, contents.vectors.shape[1], spec),
                "learning_rate": spec.learning_rate,
                "epochs": self.rounds,
            }
            return done.fusion(self.name)
        if self.name == _WEIGHTED:
            self.settings = {"weights": best_weights(contents)}
            return fusion_of(FusionSpec(name=_WEIGHTED, weights=self.settings["weights"]))
        return fusion_of(FusionSpec(name=self.name))

    @property
    def rounds(self) -> int:
        """How many epochs it is trained on all items: as many as the folds took on average."""
        return max(1, round(float(np.mean(self.epochs)))) if self.epochs else 0

    def trial(self, *, won: bool) -> Trial:
        """What is told of it; weights and epochs are those of the last fold, or their mean."""
        return Trial(self.name, self.settings, self.found.scores(), won)


def _model(
    winner: _Candidate, contents: Contents, spec: FusionFitSpec, space: str, version: str
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
        "Held-out items, in folds by caption, found by single contents and by pairs of them:",
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
