"""Folding a delta into a copy of the codes, where the kind of index can take it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.indexes.card import CODES, VECTORS
from storage.indexes.choosing.structure import fill, threads
from storage.indexes.choosing.vectors_file import mapped_vectors, rows_of, write_vectors
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.searching.codes import Codes
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.refine import Stored
from storage.indexes.searching.together import Together
from storage.indexes.sharding.merge import lists_of, merge_into, mergeable
from storage.indexes.updating.changes import Change
from storage.manifest import sha256
from storage.places.atomic import make_folder, replacing, sync
from storage.places.place import is_local, local_copy, remove

FEW: Final = 1000  # rows of a delta that no search feels
_BLOCK: Final = 1 << 23  # numbers that are copied at once: 32 MB
_SHARE: Final = 0.5  # of what searching the codes costs, that comparing the delta may cost
MOST_LATE: Final = 0.05  # of all rows, that may be in the delta
_DEAD: Final = 0.1  # of the codes that may be dead, where they can be removed

Sums = Mapping[str, str] | None
"""SHA-256 of the files of a build by name; None: nobody knows them."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An index that answers with the wanted rows.

    Args:
        engine: what answers.
        dead: sorted ids that its codes have and nobody may find.
        write: writes the files of codes and vectors into a folder, and returns their names.
        index: the new codes; None: they are those of before.
    """

    engine: Engine
    dead: NDArray[np.int64]
    write: Callable[[Path], tuple[str, ...]]
    index: Any = None

    @property
    def delta(self) -> Stored:
        """The rows that are compared one by one."""
        d = self.engine.dim
        return self.engine.delta or Stored(np.empty(0, np.int64), np.empty((0, d), np.float32))


def too_long(change: Change, k: int) -> bool:
    """Whether comparing the delta would cost more than half of what searching the codes does.

    Or it has more than a twentieth of the rows, or a tenth of the codes is dead and can be
    removed. Exact indexes have no codes: their delta is no slower than they are.
    """
    codes, late = change.before.codes, len(change.delta)
    if codes is None:
        return False
    if len(change.dead) > _DEAD * len(change.alive) and mergeable(codes.index):
        return True
    if late <= FEW:
        return False
    setting = change.before.setting
    return late > min(_SHARE * codes.cost(k * setting.depth, setting), MOST_LATE * change.count)


def drift(engine: Engine) -> float | None:
    """How uneven the lists are: their number times the sum of squared shares; None: no lists."""
    lists = None if engine.codes is None else lists_of(engine.codes.index)
    return None if lists is None else float(lists.imbalance_factor())


def shared(before: Path, change: Change, sums: Sums) -> Made:
    """The index with its delta and dead beside; its files of codes and vectors are linked.

    Writing raises CorruptLakeError where one is copied, and is not as ``sums`` says.
    """
    names = (CODES,) if change.before.codes is None else (CODES, VECTORS)

    def write(to: Path) -> tuple[str, ...]:
        for name in names:
            link(before / name, to / name, sums)
        return names

    return Made(change.engine(), change.dead, write)


def folded(before: Path, to: Path, change: Change, workers: int | None) -> Made:
    """The index with the delta in a copy of its codes; ``to`` gets the file of its vectors.

    Dead rows are removed from the copy. A graph removes none, so a row that it has with another
    vector stays in the delta. All files of before have to be sound: see ``refuse_damage``.
    """
    old = change.before
    index = read_faiss(before / CODES)
    keeps_dead = not mergeable(index)
    late = old.stored.places(change.delta.ids) < 0
    kept = np.ones(len(old.stored), dtype=bool) if keeps_dead else change.alive
    late = late if keeps_dead else np.ones(len(late), dtype=bool)
    rows = Together.of(old.stored, kept, change.delta, late)
    write_vectors(to / VECTORS, rows.ids, old.dim, rows_of(rows.vectors, _BLOCK))
    with threads(workers):
        if not keeps_dead and len(change.dead):
            index.remove_ids(change.dead)
        _add(index, before, change.delta.ids[late], change.delta.vectors[late])
    stored = Stored(*mapped_vectors(to / VECTORS))
    dead = change.dead if keeps_dead else change.dead[:0]
    delta = Stored(change.delta.ids[~late], change.delta.vectors[~late])
    engine = Engine(
        stored,
        Codes.of(index, stored),
        delta if len(delta) else None,
        ~np.isin(stored.ids, dead, assume_unique=True) if len(dead) else None,
        old.setting,
    )

    def write(folder: Path) -> tuple[str, ...]:
        write_faiss(folder / CODES, index)
        return CODES, VECTORS

    return Made(engine, dead, write, index)


def refuse_damage(folder: Path, names: Iterable[str], sums: Sums) -> None:
    """Raise CorruptLakeError, which names it, for a file that is not as ``sums`` says.

    What is copied out of it into another file would get a checksum of its own there, and its
    damage pass as right. None is looked at without ``sums``.
    """
    for name in names if sums is not None else ():
        path = folder / name
        if sums is None or name not in sums:
            raise CorruptLakeError(path, "is not among the files of the snapshot")
        try:
            found = sha256(local_copy(path))
        except FileNotFoundError as error:
            raise CorruptLakeError(path, "is missing") from error
        if found != sums[name]:
            raise CorruptLakeError(path, "has another checksum")


def link(source: Path, target: Path, sums: Sums) -> None:
    """Let ``target`` be the same file as ``source``, which nobody changes; a copy elsewhere.

    A link goes on having the checksum that ``source`` had, whatever became of it; what is copied
    has to have it still.
    """
    remove([target])
    if is_local(source) and is_local(target):
        make_folder(target.parent)
        try:
            os.link(source, target)
        except OSError:  # another disk, or one that cannot
            _copy(source, target, sums)
        else:
            sync(target.parent)
    else:
        _copy(source, target, sums)


def _copy(source: Path, target: Path, sums: Sums) -> None:
    refuse_damage(source.parent, [source.name], sums)
    with replacing(target, final=True) as temporary:
        shutil.copyfile(local_copy(source), temporary)


def _add(index: Any, before: Path, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """Add rows to codes that others were removed from.

    By way of an index of their own: what fast scan (faiss 1.15.1) adds after a removal is mixed
    with what the removed rows left in the last block.
    """
    if not len(ids):
        return
    if not mergeable(index):
        fill(index, ids, vectors)
        return
    more = read_faiss(before / CODES)
    more.reset()
    merge_into(index, fill(more, ids, vectors))
