"""What became of the rows of an index: which of them stand, which went, which are new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.choosing.vectors_file import check_ids, check_vectors
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.refine import Stored, places_in

Mask = NDArray[np.bool_]
Rows = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Ids (m,) and their vectors (m, d)."""

_LARGEST: Final = 1 << 23  # numbers that are compared at once: 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """The rows that an index is to have.

    Args:
        ids: (n,) all of them, sorted.
        blocks: ids (m,) and vectors (m, d), in any order, of all those that may be new or have
            another vector than before; what comes of rows that are not wanted is left out. A row
            of which nothing comes is as it was.
        sums: SHA-256, by name, of the files of the build before as they were written. What of a
            file that has another one would be copied is refused. None: none is compared.
    """

    ids: NDArray[np.int64]
    blocks: Iterable[Rows]
    sums: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """An index as it was, and what is alive of it now.

    Args:
        before: its engine.
        alive: (n,) which rows of ``before.stored`` are wanted, with the vector that they have.
        delta: the wanted rows that are not alive there, by id.
        came: rows that are new or have another vector than before, by id.
        lost: sorted ids that went, or have another vector.
    """

    before: Engine
    alive: Mask
    delta: Stored
    came: Stored
    lost: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Wanted rows."""
        return int(np.count_nonzero(self.alive)) + len(self.delta)

    @property
    def dead(self) -> NDArray[np.int64]:
        """Sorted ids of ``before.stored`` that nobody may find there."""
        return self.before.stored.ids[~self.alive]

    def engine(self) -> Engine:
        """What answers with the wanted rows, if all else stays as it was."""
        old = self.before
        alive = None if self.alive.all() else self.alive
        return Engine(
            old.stored, old.codes, self.delta if len(self.delta) else None, alive, old.setting
        )


@dataclass(slots=True, eq=False)
class _Comparison:
    """A comparison under way; the masks are over the wanted ids."""

    before: Engine
    ids: NDArray[np.int64]
    old: Mask  # held before
    seen: Mask
    stands: Mask  # has its vector in ``before.stored``
    delta: list[Rows]
    came: list[Rows]

    @classmethod
    def of(cls, before: Engine, ids: NDArray[np.int64]) -> _Comparison:
        """Nothing seen: what was held stands where it stood."""
        places = before.stored.places(ids)
        there = places >= 0
        stands = there if before.alive is None else there & before.alive[places]
        later = np.zeros(len(ids), dtype=bool)
        if before.delta is not None:
            later = before.delta.places(ids) >= 0
        return cls(before, ids, stands | later, np.zeros(len(ids), dtype=bool), stands, [], [])

    def take(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Compare one block."""
        places = places_in(self.ids, ids)
        places, vectors = places[places >= 0], vectors[places >= 0]
        before = np.count_nonzero(self.seen)
        self.seen[places] = True
        if np.count_nonzero(self.seen) < before + len(places):
            raise ValueError("a row came twice: each id is to come once")
        ids = self.ids[places]
        stands = same(self.before.stored, ids, vectors)
        was_there = self.old[places]
        unchanged = was_there & stands & self.stands[places]
        if self.before.delta is not None:
            unchanged |= was_there & ~self.stands[places] & same(self.before.delta, ids, vectors)
        self.stands[places] = stands
        check_vectors(ids[~unchanged], vectors[~unchanged])
        self.delta.append((ids[~stands], vectors[~stands]))
        self.came.append((ids[~unchanged], vectors[~unchanged]))

    def ended(self) -> Change:
        """What all blocks say; ValueError for a new row of which no vector came."""
        missing = ~self.seen & ~self.old
        if missing.any():
            raise ValueError(f"no vector came for the new id {self.ids[np.argmax(missing)]}")
        before, d = self.before, self.before.dim
        alive = np.zeros(len(before.stored), dtype=bool)
        alive[before.stored.places(self.ids[self.stands])] = True
        unseen = self.ids[~self.seen & ~self.stands]
        if len(unseen):
            self.delta.append((unseen, before.vectors_of(unseen)))
        delta, came = joined(self.delta, d), joined(self.came, d)
        held = before.held()
        kept = (places_in(self.ids, held) >= 0) & (came.places(held) < 0)
        return Change(before, alive, delta, came, held[~kept])


def compared(before: Engine, wanted: Sought, most: int | None = None) -> Change | None:
    """Compare the rows of an index with those that are wanted; None beyond ``most`` new ones.

    Vectors are compared bit by bit. Beside the ids it takes the memory of what is new. Raises
    ValueError where the ids are not sorted, a row comes twice, or a new one not at all, and
    UnsoundVectorError for a new one that is not of length 1.
    """
    check_ids(wanted.ids)
    under_way = _Comparison.of(before, wanted.ids)
    for ids, vectors in _small(wanted.blocks):
        under_way.take(ids, vectors)
        if most is not None and sum(len(ids) for ids, _ in under_way.came) > most:
            return None
    return under_way.ended()


def same(stored: Stored, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> Mask:
    """(m,) whether ``stored`` has exactly these ``vectors`` (m, d) under these ids."""
    places = stored.places(ids)
    there = np.flatnonzero(places >= 0)
    equal = np.zeros(len(ids), dtype=bool)
    rows = np.asarray(stored.vectors)[places[there]]  # a plain array: a mapped one is slow here
    equal[there] = (rows == (vectors if len(there) == len(ids) else vectors[there])).all(axis=1)
    return equal


def joined(parts: Iterable[Rows], d: int) -> Stored:
    """All rows of all parts, sorted by id."""
    nothing = np.empty(0, dtype=np.int64), np.empty((0, d), dtype=np.float32)
    ids, vectors = (np.concatenate(of) for of in zip(nothing, *parts, strict=True))
    order = np.argsort(ids, kind="stable")
    return Stored(ids[order], np.ascontiguousarray(vectors[order], dtype=np.float32))


def _small(blocks: Iterable[Rows]) -> Iterator[Rows]:
    for ids, vectors in blocks:
        step = max(1, _LARGEST // max(1, vectors.shape[1]))
        for start in range(0, len(ids), step):
            yield ids[start : start + step], np.asarray(vectors[start : start + step], np.float32)
