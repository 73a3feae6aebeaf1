"""An index on disk: ``index.faiss``, which plain faiss reads, its card, and what lies beside."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.indexes.card import (
    CARD,
    CODES,
    DEAD,
    DELTA,
    EVERY,
    VECTORS,
    IndexCard,
    Setting,
    read_card,
)
from storage.indexes.choosing.vectors_file import falling, mapped_vectors
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.searching.codes import Codes
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.filters import Mask
from storage.indexes.searching.near import within
from storage.indexes.searching.refine import Found, Stored
from storage.indexes.searching.sound import KNOWN, fault, misfit
from storage.places.atomic import write_bytes
from storage.places.place import children, is_local, read_now

FLAT: Final = "flat"
# what NumPy raises at a header, which it evaluates, that is damaged
_UNREADABLE: Final = (ValueError, TypeError, SyntaxError, TokenError, EOFError, MemoryError)


def write_index(folder: Path, index: faiss.Index, card: IndexCard) -> Path:
    """Write index and card and return ``folder``; a finished build is kept as it is."""
    if (folder / CARD).exists():
        return folder
    if (index.ntotal, index.d) != (card.rows, card.dim):
        raise ValueError(f"{index.ntotal} rows of {index.d}, card of {card.rows} of {card.dim}")
    write_faiss(folder / CODES, index)
    write_bytes(folder / CARD, card.model_dump_json(indent=2).encode(), final=True)
    return folder


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An opened index; safe to share among threads."""

    card: IndexCard
    engine: Engine

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Read an index; CorruptLakeError, which names the file, where one is not what it must be.

        That is: missing, cut off, another's, of other rows or of another dimension than its card
        says, or of another type. Checksums are not compared (``mmindex snapshots verify`` does).
        """
        card = read_card(folder / CARD)
        if card.type not in KNOWN:
            raise CorruptLakeError(folder / CARD, f"is of the unknown type {card.type}")
        _check_files(folder, card)
        stored, codes = _flat(folder, card) if card.type == FLAT else _coded(folder, card)
        dead = _dead(folder / DEAD) if DEAD in card.files else None
        alive = None if dead is None else _alive(stored, dead)
        delta = _delta(folder, card, stored, alive) if DELTA in card.files else None
        engine = Engine(stored, codes, delta, alive, card.setting)
        rows = len(stored) if alive is None else int(np.count_nonzero(alive))
        rows += 0 if delta is None else len(delta)
        if rows != card.rows:
            raise CorruptLakeError(
                folder / CARD, f"says {card.rows} rows, and its files have {rows}"
            )
        return cls(card, engine)

    def search(
        self,
        vectors: NDArray[np.float32],
        k: int,
        ids: NDArray[np.int64] | None = None,
        *,
        setting: Setting | None = None,
    ) -> Found:
        """The ``k`` rows with the largest inner product: scores and ids, each (q, k).

        ``vectors`` is (q, d); with ``ids`` only those are searched. Scores are exact, best first.
        Where there are fewer than ``k`` the score is -inf and the id -1; ``k`` come back wherever
        there are ``k``. ``setting`` stands in for that of the card in this call. Raises
        ValueError for queries that do not fit.
        """
        return self.engine.search(vectors, k, ids, setting=setting)

    def held(self) -> NDArray[np.int64]:
        """The ids that it can answer with, sorted."""
        return self.engine.held()

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The exact vectors (m, d) of ``ids`` (m,); ValueError for an id that is not held."""
        return self.engine.vectors_of(ids)

    def range_search(
        self, vectors: NDArray[np.float32], least: float
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """For each query all rows that score ``least`` or more: ids and scores, best first.

        Exact and complete, whatever the type: every row is compared.
        """
        return within(self.engine, vectors, least)


def _check_files(folder: Path, card: IndexCard) -> None:
    """The card names files that an index has, and all are there."""
    foreign = [name for name in card.files if name not in EVERY[1:]]
    wanted = {CODES} if card.type == FLAT else {CODES, VECTORS}
    if foreign or not wanted <= set(card.files):
        raise CorruptLakeError(
            folder / CARD, f"is of the type {card.type}, and has the files {', '.join(card.files)}"
        )
    there = children(folder)
    for name in card.files:
        if name not in there:
            raise CorruptLakeError(folder / name, "is missing")
        if is_local(folder) and not (folder / name).is_file():
            raise CorruptLakeError(folder / name, "is no file")


def _flat(folder: Path, card: IndexCard) -> tuple[Stored, None]:
    """The rows of an exact index, all in memory; they need not be in order."""
    path = folder / CODES
    index: Any = read_faiss(path)
    kind = isinstance(index, faiss.IndexIDMap) and faiss.downcast_index(index.index)
    if not isinstance(kind, faiss.IndexFlat):
        raise CorruptLakeError(path, "is no file of exact vectors by id")
    if (why := fault(index, index.ntotal, card.dim)) is not None:
        raise CorruptLakeError(path, why)
    stored = Stored.of_flat(index)
    _check_unique(path, stored.ids)
    return stored, None


def _vectors(path: Path, dim: int) -> Stored:
    """Exact vectors, mapped."""
    ids, vectors = mapped_vectors(path)
    if vectors.shape[1] != dim:
        raise CorruptLakeError(path, f"has vectors of {vectors.shape[1]}, not {dim}")
    return Stored(ids, vectors)


def _coded(folder: Path, card: IndexCard) -> tuple[Stored, Codes]:
    """The exact vectors of an index, mapped, and the codes that find them."""
    path, stored = folder / CODES, _vectors(folder / VECTORS, card.dim)
    index = read_faiss(path, mapped=card.mapped)
    if (why := fault(index, index.ntotal, card.dim)) is not None:
        raise CorruptLakeError(path, why)
    if isinstance(index, faiss.IndexIDMap):
        named = np.sort(faiss.vector_to_array(index.id_map))
        _check_unique(path, named)
        same = np.array_equal(named, stored.ids)
    else:
        same = index.ntotal == len(stored)
    if not same:
        raise CorruptLakeError(path, f"has other rows than {VECTORS} beside it")
    if (why := misfit(index, card.type, card.setting)) is not None:
        raise CorruptLakeError(path, why)
    return stored, Codes.of(index, stored, used_up=True)


def _dead(path: Path) -> NDArray[np.int64]:
    """Sorted ids that may not be found any more."""
    try:
        ids = np.lib.format.read_array(io.BytesIO(read_now(path)), allow_pickle=False)
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except _UNREADABLE as error:
        raise CorruptLakeError(path, "is no file of ids") from error
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise CorruptLakeError(path, "is no file of ids")
    _check_unique(path, ids)
    return ids


def _alive(stored: Stored, dead: NDArray[np.int64]) -> Mask:
    alive = np.ones(len(stored), dtype=bool)
    places = stored.places(dead)
    alive[places[places >= 0]] = False
    return alive


def _delta(folder: Path, card: IndexCard, stored: Stored, alive: Mask | None) -> Stored:
    """The rows that came later; none of them may be found among the others too."""
    path = folder / DELTA
    mapped = _vectors(path, card.dim)
    delta = Stored(mapped.ids, np.array(mapped.vectors))  # few, and searched by every query
    places = stored.places(delta.ids)
    twice = places >= 0 if alive is None else (places >= 0) & alive[places]
    if twice.any():
        raise CorruptLakeError(path, f"has id {delta.ids[twice][0]}, which {CODES} has too")
    return delta


def _check_unique(path: Path, ids: NDArray[np.int64]) -> None:
    if (place := falling(ids)) is not None:
        raise CorruptLakeError(path, f"has id {ids[place]} twice, or out of order")
