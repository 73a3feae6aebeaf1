"""An index on disk: ``index.faiss``, which plain faiss reads, and its card ``index.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.indexes.card import CARD, CODES, IndexCard, read_card
from storage.indexes.reading import read_faiss, write_faiss
from storage.places.atomic import write_bytes

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds


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
    """An opened index."""

    card: IndexCard
    faiss_index: Any

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Read index and card; CorruptLakeError when one is missing, damaged or another's."""
        card, index = read_card(folder / CARD), read_faiss(folder / CODES)
        if (index.ntotal, index.d) != (card.rows, card.dim):
            raise CorruptLakeError(
                folder,
                f"{index.ntotal} rows of {index.d}, but its card says {card.rows} of {card.dim}",
            )
        return cls(card, index)

    def search(
        self, vectors: NDArray[np.float32], k: int, ids: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The ``k`` rows with the largest inner product: scores and ids, each (q, k).

        ``vectors`` is (q, d); with ``ids`` only those are searched. Where there are fewer than
        ``k`` the score is -inf and the id -1.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.card.dim:  # noqa: PLR2004 - a matrix
            raise ValueError(f"queries of {vectors.shape}, an index of {self.card.dim} dimensions")
        scores = np.full((len(vectors), k), -np.inf, dtype=np.float32)
        found = np.full((len(vectors), k), -1, dtype=np.int64)
        most = min(k, self.card.rows if ids is None else min(self.card.rows, len(ids)))
        if most and len(vectors):
            queries = np.ascontiguousarray(vectors, dtype=np.float32)
            near, rows = self.faiss_index.search(queries, most, params=_selecting(ids))
            scores[:, :most], found[:, :most] = np.where(rows < 0, -np.inf, near), rows
        return scores, found


def _selecting(ids: NDArray[np.int64] | None) -> Any:
    if ids is None:
        return None
    allowed = np.ascontiguousarray(ids, dtype=np.int64)
    return _FAISS.SearchParameters(sel=_FAISS.IDSelectorBatch(allowed))
