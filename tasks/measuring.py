"""Measure a snapshot or candidate, and beside it what it is compared with; plain functions.

Both are asked the same, by the same code, in the same run: the queries that the candidate froze,
less all that either has learned from, over what both hold.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mmcore.encoders.base import Encoder
from mmcore.encoders.presets import encoders_of, of_a_lake, runtime_of
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.errors import ConfigError, EvaluationError, MissingExtraError, UnknownPluginError
from mmcore.evaluation import measures
from mmcore.evaluation.absent import with_absent
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.evaluate import laid_out, learned_from, outcomes
from mmcore.evaluation.gating.compare import Comparison, compared
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.index_questions import query_vectors
from mmcore.evaluation.latency import latency
from mmcore.evaluation.outcomes import HELD_OUT, Measured, Outcome
from mmcore.evaluation.querysets import frozen
from mmcore.evaluation.querysets.ask import user_outcomes
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.querysets.searched import searched_scores
from mmcore.evaluation.recall import index_outcomes, index_recall
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.scores import IndexRecall, Latency, Searched, Served, Unscored
from mmcore.evaluation.served import served_scores
from mmcore.evaluation.terms import Terms
from mmcore.evaluation.world import World
from mmcore.specs import EvaluationSpec, FitSpec, SegmentationSpec
from storage.errors import CorruptLakeError, LakeLockedError, SnapshotReissuedError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.querysets import QuerySetCard, read_sets
from storage.schemas import digest
from storage.snapshot import Snapshot
from tasks.discretion import said
from tasks.projections import load_projection
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

OF_THE_LAKE = (CorruptLakeError, SnapshotReissuedError, LakeLockedError)
"""No failure of what is scored: the caller mends the lake, or opens it again."""

UNASKABLE = (ConfigError, EvaluationError, UnknownPluginError, MissingExtraError, CorruptLakeError)
"""What says of a baseline that it cannot be asked: no weights, no plug-in, files that are gone.

All else (no memory, a full disk, a fault of ours) says nothing of it and is raised: what could
not be compared for such a reason is not published.
"""

Found = Measured | Unscored


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One snapshot or candidate, measured."""

    snapshot: Snapshot
    measured: tuple[Found, ...] = ()
    indexes: tuple[Outcome, ...] = ()
    recall: tuple[IndexRecall, ...] = ()
    served: tuple[Served, ...] = ()
    searched: tuple[Searched, ...] = ()
    latency: Latency | None = None

    @property
    def full(self) -> list[Outcome]:
        """Over all that it holds; its indexes last."""
        return [*(one.full for one in self.measured if isinstance(one, Measured)), *self.indexes]

    @property
    def common(self) -> list[Outcome]:
        """Over what both hold, as far as that was measured; its indexes last."""
        held = (one.common for one in self.measured if isinstance(one, Measured))
        return [*(one for one in held if one is not None), *self.indexes]


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """What is judged, and what it is judged against."""

    after: Side
    terms: Terms
    sets: dict[str, str] = field(default_factory=dict)  # query set → fingerprint
    before: Side | None = None
    why: str = ""  # why ``before`` is None, though there is something to compare with

    @property
    def config(self) -> str:
        """The fingerprint of the measures."""
        return measures.fingerprint(self.terms.spec)

    def comparison(self, gate: GateSpec) -> Comparison | None:
        """Query by query; None where there is nothing to compare with."""
        if self.before is None:
            return None
        fewest = self.terms.spec.min_queries
        return compared(self.before.common, self.after.common, gate, min_queries=fewest)


def both_measured(
    manifest: Manifest,
    baseline: Snapshot | None,
    spec: EvaluationSpec,
    fit: FitSpec,
    work: Workplace,
    *,
    keep: bool = True,
) -> Both:
    """Measure a snapshot or candidate and, where there is one, its baseline.

    Whatever goes wrong with the first is raised; a baseline that cannot be asked is left out, and
    it is said why; what else goes wrong with it is raised, too. With ``keep``, what was finished
    when a run was killed is taken from where it kept it; without, nothing is written.
    """
    after, sets = Snapshot.of(work.lake, manifest), tuple(read_sets(work.lake))
    told = {HELD_OUT: frozen.fingerprint(fit), **{card.name: card.fingerprint for card in sets}}
    side = _opened(after, work)
    terms = Terms(spec, fit, frozen_of(after, spec, fit), learned_from(after, side.projection))
    other, why = None, ""
    if baseline is not None:
        other, terms, why = _beside(baseline, side, terms, work)
    kept = _kept(work, terms, told, side, other) if keep else None
    measured = _measured(side, terms, sets, kept, searched=True)
    before = None
    if other is not None:
        kept = _kept(work, terms, told, other, side) if keep else None
        try:
            before = _measured(other, terms, sets, kept)
        except UNASKABLE as error:
            why = _why(error, other.snapshot, after, work)
    return Both(measured, terms, told, before, why)


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    snapshot: Snapshot
    encoders: Sequence[Encoder]
    projection: Projection | None


def _beside(
    baseline: Snapshot, side: _Opened, terms: Terms, work: Workplace
) -> tuple[_Opened | None, Terms, str]:
    """The baseline, and the terms of both; where it cannot be asked None, the terms, and why."""
    try:
        other = _opened(baseline, work, like=side)
        fitted = terms.fitted | learned_from(baseline, other.projection)
    except UNASKABLE as error:
        return None, terms, _why(error, baseline, side.snapshot, work)
    try:
        world = World.common(baseline, side.snapshot)
    except CorruptLakeError as error:  # it reads tables of both
        return None, terms, _why(error, baseline, side.snapshot, work)
    return other, Terms(terms.spec, terms.fit, terms.frozen, fitted, world), ""


def _opened(snapshot: Snapshot, work: Workplace, like: _Opened | None = None) -> _Opened:
    """A snapshot with what asks it.

    What another one is ``like`` shares its encoders, where it was made by the same; of those of it
    that are not here any more, what is stored asks.
    """
    told = snapshot.manifest
    projection = load_projection(told, work)
    segmentation = SegmentationSpec.model_validate(told.specs.get("segmentation", {}))
    mine = (told.preset, segmentation) == (work.preset, work.segmentation)
    if like is None:
        encoders = encoders_of(work.preset, work.segmentation, work.runtime)
        return _Opened(snapshot, encoders, projection)
    made = like.encoders if mine else _of(told.preset, segmentation, work)
    return _Opened(snapshot, with_absent(told, made), projection)


def _of(preset: str, segmentation: SegmentationSpec, work: Workplace) -> Sequence[Encoder]:
    """The encoders of another preset, or those that cut otherwise; none where it is not here."""
    try:
        return encoders_of(preset, segmentation, runtime_of(preset, of_a_lake(work.runtime)))
    except (UnknownPluginError, ConfigError) as error:
        log.warning("what is compared with was made by %s: %s", preset, error)
        return ()


def frozen_of(snapshot: Snapshot, spec: EvaluationSpec, fit: FitSpec) -> FrozenSet:
    """The queries of a snapshot; of one from before they were frozen, those it would freeze."""
    if snapshot.manifest.paths("queries"):
        return FrozenSet.of(snapshot)
    return FrozenSet.told(frozen.freeze(snapshot, None, spec, fit))


def _why(error: Exception, baseline: Snapshot, candidate: Snapshot, work: Workplace) -> str:
    """Why a baseline cannot be asked; what is wrong with the lake itself is raised.

    But where a damaged file of the baseline is set aside already, nothing is left to be mended.
    """
    if isinstance(error, OF_THE_LAKE) and not _set_aside(error, baseline, candidate):
        raise error
    told = type(error).__name__ if work.private else said(error).splitlines()[-1]
    log.warning("what it is compared with could not be scored: %s", told)
    return f"what it is compared with could not be scored: {told}"


def _set_aside(error: Exception, baseline: Snapshot, candidate: Snapshot) -> bool:
    """Whether the error speaks of what is not there, rather than of a file that can be moved.

    A file of the candidate never is: it was there when that was made.
    """
    if not isinstance(error, CorruptLakeError):
        return False
    layout, path = baseline.layout, error.path
    named = {file.path for one in (baseline, candidate) for file in one.manifest.files}
    return not (path.is_relative_to(layout.root) and layout.relative(path) in named)


def _measured(
    side: _Opened,
    terms: Terms,
    sets: Sequence[QuerySetCard],
    kept: Kept | None,
    *,
    searched: bool = False,
) -> Side:
    """One side; its sets by a search, too, only where that is told of."""
    snapshot = side.snapshot
    bench = laid_out(snapshot, side.encoders, side.projection, terms)
    found = tuple(_asked(bench, sets, kept))
    exact = [one.full for one in found if isinstance(one, Measured)]
    return Side(
        snapshot,
        found,
        tuple(index_outcomes(snapshot, bench)),
        tuple(index_recall(snapshot, query_vectors(bench))),
        tuple(served_scores(snapshot, bench, exact)),
        tuple(searched_scores(bench, sets, exact)) if searched else (),
        latency(snapshot, bench),
    )


def _asked(bench: Bench, sets: Sequence[QuerySetCard], kept: Kept | None) -> Iterator[Found]:
    yield from outcomes(bench, kept)
    yield from user_outcomes(bench, sets)


def _kept(
    work: Workplace, terms: Terms, sets: dict[str, str], side: _Opened, other: _Opened | None
) -> Kept:
    """Where the outcomes of one side are kept while a run is at it: named by all they are of."""
    told = [_decided(one.snapshot.manifest) for one in (side, *([other] if other else []))]
    world = None if terms.world is None else terms.world.digest
    specs = [spec.model_dump(mode="json") for spec in (terms.spec, terms.fit)]
    key = digest([told, specs, world, sets, measures.fingerprint(terms.spec)], length=32)
    return Kept(work.lake.evaluations / key)


def _decided(manifest: Manifest) -> list[object]:
    """What of a manifest decides its outcomes, and by which software it is asked."""
    return [
        [(file.path, file.sha256) for file in manifest.files],
        manifest.preset,
        manifest.specs,
        [(entry.name, entry.fingerprint) for entry in manifest.encoders],
        manifest.software,
    ]


def end_evaluations(layout: Layout) -> None:
    """Remove what was kept of evaluations under way; only the holder of the lake's lock may."""
    shutil.rmtree(layout.evaluations, ignore_errors=True)
    with suppress(OSError):  # others' arrays lie there still
        layout.staging.rmdir()


def fitted_on(manifest: Manifest, work: Workplace) -> FittedOn:
    """What the models of a snapshot or candidate have learned from."""
    return learned_from(Snapshot.of(work.lake, manifest), load_projection(manifest, work))


def folder_of(work: Workplace, manifest: Manifest) -> Path:
    """Where the report of a numbered snapshot or candidate lies."""
    return work.lake.report(str(manifest.number))
