"""Train a projection and a fusion on a lake's own pairs; each is stored as a model's version."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from prefect import task

from mmcore.encoders.compute.batches import out_of_memory
from mmcore.errors import TooFewPairsError, TrainingError
from mmcore.fusion.base import AUTO, PLAIN
from mmcore.fusion.learned import LEARNED
from mmcore.specs import FusionSpec
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.trials import Trial, said
from mmcore.training.unseen import Unseen
from mmcore.types import EncoderKey
from storage import models
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.fusing import Choice
from tasks.models import FUSION, PROJECTION, fit_spec
from tasks.policies import POLICY
from tasks.projections import load_projection, maker
from tasks.training_card import Told, licences_of, with_card
from tasks.training_rows import fusion_rows, lesson
from tasks.training_stored import serving_fusion, stored_fusion, stored_projection
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

WEIGHTED: Final = "weighted"

Curves = Mapping[str, tuple[Point, ...]]


@dataclass(frozen=True, slots=True)
class Taught:
    """What a training came to; ``version`` is None where it stored no model.

    Prefect keeps it in memory, as all results (``policies.POLICY``). ``unseen`` is handed on
    ``unwalked``: else its thousands of vectors would be searched for futures.
    """

    version: str | None = None
    pairs: Mapping[str, int] = field(default_factory=dict)
    few: Mapping[str, int] = field(default_factory=dict)  # pairs of those that have too few
    trials: tuple[Trial, ...] = ()
    curves: Curves = field(default_factory=dict)
    unseen: Unseen = field(default_factory=Unseen)  # what it was fitted on, for the fusion
    same: bool = False  # it came to what serves
    again: bool = False  # ``version`` was stored before
    lacking: str = ""  # why there was nothing to learn from; ``pairs`` and ``needed`` say how much
    needed: int = 0


@dataclass(frozen=True, slots=True)
class TaughtFusion:
    """The fusion that won, and what else was tried; ``reason``: why nothing was fitted."""

    choice: Choice
    trials: tuple[Trial, ...] = ()
    curves: Curves = field(default_factory=dict)
    reason: str = ""
    again: bool = False  # its version was stored before


@task(name="train-projection", **POLICY)
@discreet
def teach_projection(
    published: Snapshot, keys: tuple[EncoderKey, ...], spec: AlignSpec, work: Workplace
) -> Taught:
    """Train a projection of the lake's encoders on its pairs and store it, to be promoted or not.

    Which captions are held out, and how many pairs there must be, the lake's own settings say.
    Nothing is trained where every encoder is asked in its own space, and nothing stored where it
    comes to the very projection that serves, or to another stored one, which is judged again.
    A lake with too few pairs is no error: ``lacking`` says so. Raises TrainingError where it comes
    to nothing; then nothing is stored.
    """
    spec = spec.model_copy(update={"fit": fit_spec(published.manifest)})
    try:
        return _projection(published, keys, spec, work)
    except TooFewPairsError as error:
        return Taught(pairs=error.pairs, lacking=str(error), needed=error.needed)


def _projection(
    published: Snapshot, keys: tuple[EncoderKey, ...], spec: AlignSpec, work: Workplace
) -> Taught:
    """The same; TooFewPairsError, before any work, where there is nothing to learn from."""
    found = lesson(published, keys, spec.fit)
    if found is None:
        return Taught()
    for name, count in found.few.items():
        log.warning("%s: %d pairs, too few to train a head for it", name, count)
    from mmcore.training.alignment.train import train_projection  # noqa: PLC0415 - loads torch

    began, version = time.monotonic(), models.next_version(work.lake, PROJECTION)
    with memory("the projection"):
        trained = train_projection(
            found.texts, found.media, keys, spec, version, make=maker(work), progress=log.info
        )
    _tell_winner(trained.trials)
    told = found.pairs, found.few, trained.trials, trained.curves, trained.unseen
    serves = load_projection(published.manifest, work)
    if serves is not None and trained.projection.same_as(serves):
        return Taught(None, *told, same=True)
    files = trained.projection.to_files()
    if (known := stored_projection(trained.projection, files, work.lake)) is not None:
        log.info("it came to %s/%s, which is stored already", PROJECTION, known)
        return Taught(known, *told, again=True)
    files = with_card(
        files,
        Told(
            snapshot=published.manifest.number,
            preset=work.preset,
            seed=spec.seed,
            held_out=spec.fit.held_out,
            pairs=found.pairs,
            few=found.few,
            licences=licences_of(work),
            settings=spec.model_dump(mode="json"),
            seconds=round(time.monotonic() - began, 3),
        ),
        trained.trials,
    )
    models.store_model(work.lake, PROJECTION, version, files)
    return Taught(version, *told)


@task(name="train-fusion-model", **POLICY)
@discreet
def teach_fusion(
    candidate: Manifest,
    wanted: str,
    spec: FusionFitSpec,
    work: Workplace,
    published: Snapshot,
    unseen: Unseen,
) -> TaughtFusion:
    """Choose a fusion in the candidate's shared space, and store it where one was learned.

    ``wanted``: a fusion's name, or ``auto``, which takes the best of those that ``spec`` names.
    One that comes to the very fusion that serves, or to another stored one, is not stored again.
    ``unseen``: where contents
    that the candidate's projection was fitted on lie by projections that were not.
    """
    if wanted not in (AUTO, WEIGHTED, *LEARNED):
        return TaughtFusion(Choice(FusionSpec(name=wanted)))
    snapshot, fit = Snapshot.of(work.lake, candidate), fit_spec(candidate)
    rows = fusion_rows(snapshot, fit, spec.max_items)
    if len(rows) < 2:  # noqa: PLR2004
        why = "no two media of the lake live in one space"
        return TaughtFusion(Choice(FusionSpec(name=PLAIN)), reason=why)
    if wanted != AUTO:
        spec = spec.model_copy(update={"candidates": (wanted,)})
    from mmcore.training.fusing.train import fit_fusion  # noqa: PLC0415 - loads torch

    began, version = time.monotonic(), models.next_version(work.lake, FUSION)
    named = {str(m): found.name for m in rows if (found := candidate.encoder(m)) is not None}
    with memory("the fusion"):
        fitted = fit_fusion(candidate.fused_of, rows, spec, version, unseen.by(named))
    for trial in (one for one in fitted.trials if one.scores):
        log.info("%s: held-out RR %.3f", _said(trial), trial.scores["RR"])
    _tell_winner(fitted.trials)
    if fitted.files is None:
        choice = Choice(fitted.spec)
        return TaughtFusion(choice, fitted.trials, fitted.curves, fitted.reason)
    if (serves := serving_fusion(fitted.files, published)) is not None:
        return TaughtFusion(serves, fitted.trials, fitted.curves)
    if (known := stored_fusion(fitted.spec, fitted.files, work.lake)) is not None:
        log.info("it came to %s/%s, which is stored already", FUSION, known.version)
        return TaughtFusion(known, fitted.trials, fitted.curves, again=True)
    told = Told(
        snapshot=candidate.parent,
        preset=work.preset,
        seed=spec.seed,
        held_out=fit.held_out,
        pairs={str(m): len(set(of.content_ids)) for m, of in rows.items()},
        few={},
        licences=licences_of(work),
        settings=spec.model_dump(mode="json"),
        seconds=round(time.monotonic() - began, 3),
    )
    files = with_card(fitted.files, told, fitted.trials)
    models.store_model(work.lake, FUSION, version, files)
    return TaughtFusion(Choice(fitted.spec, version, files), fitted.trials, fitted.curves)


def _tell_winner(trials: Sequence[Trial]) -> None:
    for trial in (one for one in trials if one.won):
        log.info("won: %s", _said(trial))


def _said(trial: Trial) -> str:
    return ", ".join(filter(None, [trial.name, said(trial.settings)]))


@contextmanager
def memory(what: str) -> Iterator[None]:
    """Make a TrainingError of any error that says that there is no memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not out_of_memory(error):
            raise
        raise TrainingError(
            f"there is no memory to train {what}: nothing is kept of it, and what is published"
            " serves on; end what else runs here, or let it try less (docs/training.md)"
        ) from error
