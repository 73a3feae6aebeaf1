"""Erase: from an order to the proof that nothing is left; calls may be killed and repeated."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from storage.erasure import orders, tombstones
from storage.erasure.gathering import Gathering, Place
from storage.erasure.orders import Did, OfSet, Order, TrainedOn
from storage.erasure.parts import rewritten
from storage.erasure.proof import Proof, prove
from storage.erasure.querysets import clean_sets
from storage.erasure.sealing import seal, unseal
from storage.erasure.sweep import doomed_candidates, drop_candidates, empty_staging, sweep
from storage.erasure.traces import Traces
from storage.erasure.updates import any_updated
from storage.errors import CorruptLakeError, ErasureError, KeyLostError, UnerasableError
from storage.keys import lake_key, read_key
from storage.layout import Layout
from storage.places import cache
from storage.places.place import is_local
from storage.published import manifest_of, published
from storage.snapshot import Snapshot
from tasks.erasure.reissue import reissue
from tasks.erasure.reports import clean_reports
from tasks.erasure.unlearn import unlearn

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, from its first write on, however often it was interrupted."""

    reissued: tuple[int, ...]  # snapshots
    candidates: tuple[str, ...]  # runs whose candidates were dropped
    models: tuple[TrainedOn, ...]
    reports: int  # cleaned or removed files
    removed: int  # files
    proof: Proof
    sets: tuple[OfSet, ...] = ()  # query sets that lost something


def kept_snapshots(lake: Layout) -> list[Snapshot]:
    """Every kept snapshot, opened whole; UnerasableError names one that is damaged."""
    found = []
    for number in published(lake):
        try:
            found.append(Snapshot.open(lake, number))
            any_updated(found[-1])  # reads the cards of its indexes, which decide what stays
        except CorruptLakeError as error:
            raise UnerasableError(lake.root, number, f"{error.path} {error.why}") from error
    return found


def erase(lake: Layout, order: Order) -> Erased:
    """Erase what ``order`` names and prove it; a snapshot that serves serves throughout.

    Hold the writer's lock, and have a key. Raises UnerasableError, before anything is changed,
    when what is to be rewritten cannot be read. From the first write on any writer ends it. What
    an erasure before has left to do, or to prove, is done with it.
    """
    waiting = orders.pending(lake)
    return _done(lake, order if waiting is None else waiting | order)


def finish(lake: Layout) -> Erased | None:
    """End an erasure that was interrupted, or not proved; None where there is none.

    It does as ``erase`` would have.
    """
    order = orders.pending(lake)
    return None if order is None else _done(lake, order)


def _done(lake: Layout, order: Order) -> Erased:
    """The order stays until the proof is clean."""
    found = _found(lake, order)
    key = lake_key(lake)
    order = replace(order, begun=order.begun or datetime.now(UTC), sealed=found.sealed(key))
    orders.write_order(lake, order)
    done = _carried_out(lake, order, found, key)
    if not done.proof.left:
        orders.done(lake)
    return done


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is of the erased, before anything of it is gone."""

    kept: list[Snapshot]
    traces: Traces
    lost: frozenset[Place]  # where no item has a file any more
    common: frozenset[bytes]  # words that others have too

    @property
    def words(self) -> set[bytes]:
        """Names and texts that nobody else has."""
        return self.traces.words().keys() - self.common

    def sealed(self, key: bytes) -> str:
        """What the proof looks for, also when the rows that tell it are gone."""
        told = {"traces": self.traces.to_json(), "lost": sorted(self.lost)}
        return seal(key, json.dumps(told).encode())


def _remembered(lake: Layout, order: Order) -> tuple[Traces, set[Place]]:
    key = read_key(lake)
    if not order.sealed or key is None:
        return Traces(), set()
    try:
        told = json.loads(unseal(key, order.sealed))
    except ValueError as error:
        raise KeyLostError(lake.key, "is not the one of the erasure that waits") from error
    return Traces.from_json(told["traces"]), {(root, path) for root, path in told["lost"]}


def _found(lake: Layout, order: Order) -> _Found:
    kept = kept_snapshots(lake)
    gathering = Gathering(lake, order, kept)
    traces, lost = _remembered(lake, order)
    with _rewritable(lake, kept):
        traces |= gathering.traces()
        common = gathering.in_common(traces.words())
    return _Found(kept, traces, frozenset(gathering.lost | lost), frozenset(common))


def _carried_out(lake: Layout, order: Order, found: _Found, key: bytes) -> Erased:
    kept = found.kept
    empty_staging(lake)
    tombstones.write_tombstones(lake, tombstones.read_tombstones(lake) | order.tombstones)
    with _rewritable(lake, kept):
        parts = rewritten(lake, order, kept, found.lost)
        models, records = unlearn(lake, order, found.traces, kept)
        parts = replace(parts, records=records)
        order = replace(order, replaced=order.replaced | parts.replaced)
        doomed = doomed_candidates(lake, order, key, parts)
        order = _noted(lake, order, Did(candidates=doomed, models=models))
        drop_candidates(lake, doomed)
        order = _noted(lake, order, Did(sets=clean_sets(lake, order, found.words)))
        reports = clean_reports(lake, found.traces, found.words)
        order = _noted(lake, order, Did(reports=reports))
        for one in kept:
            reissue(one, order, key, parts)
    order = _noted(lake, order, Did(removed=sweep(lake, order)))
    if not is_local(lake.root):
        cache.clear()
    return Erased(
        reissued=_reissued(lake, order),
        candidates=order.did.candidates,
        models=order.did.models,
        reports=order.did.reports,
        removed=order.did.removed,
        proof=prove(lake, found.traces, found.common),
        sets=order.did.sets,
    )


def _noted(lake: Layout, order: Order, did: Did) -> Order:
    """Write down what was done, so that whoever ends the erasure can tell it whole."""
    order = replace(order, did=order.did | did)
    orders.write_order(lake, order)
    return order


def _reissued(lake: Layout, order: Order) -> tuple[int, ...]:
    """The snapshots that were written anew since the order was given."""
    times = {n: manifest_of(lake, n).reissued_at for n in published(lake)}
    return tuple(n for n, at in times.items() if at and order.begun and at >= order.begun)


@contextmanager
def _rewritable(lake: Layout, kept: Iterable[Snapshot]) -> Iterator[None]:
    """Say of a damaged file which snapshot needs it."""
    try:
        yield
    except CorruptLakeError as error:
        name = lake.relative(error.path) if error.path.is_relative_to(lake.root) else ""
        needs = [
            one.manifest.number or 0
            for one in kept
            if any(file.path == name for file in one.manifest.files)
        ]
        if not needs:
            raise
        raise UnerasableError(lake.root, needs[0], f"{error.path} {error.why}") from error


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of an erasure that waited, for a run that came for something else."""

    done: Erased | None = None
    why_not: str = ""  # it is not done yet


def end_erasure(lake: Layout) -> Ended | None:
    """``finish`` for a run that came for something else: what it cannot do, it only says.

    So it is of a file that cannot be read or written; a store that cannot be asked raises.
    """
    try:
        done = finish(lake)
    except (UnerasableError, OSError) as error:
        if not (isinstance(error, UnerasableError) or is_local(lake.root)):
            raise
        log.warning("an erasure that was interrupted is not ended: %s", error)
        return Ended(why_not=str(error))
    if done is None:
        return None
    log.warning("an erasure that was interrupted was ended: %d files removed", done.removed)
    if not done.proof.left:
        return Ended(done)
    why_not = str(ErasureError(lake.root, done.proof.left))
    log.warning("%s", why_not)
    return Ended(done, why_not)
