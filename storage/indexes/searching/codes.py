"""What a faiss index finds by its codes: places of rows that the exact vectors sort later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import Setting
from storage.indexes.searching.refine import Found, Stored, taken

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
# what reading a row's code costs beside an exact vector in a batch, as was measured (see `cost`)
_SCANNED: Final = 0.1  # codes in blocks of 32
_LISTED: Final = {"IndexIVFFlat": 4.0, "IndexIVFScalarQuantizer": 4.0, "IndexIVFRaBitQ": 2.0}
_OTHER: Final = 0.6  # of other lists: codes in blocks
_VISITED: Final = 80.0  # vectors that a graph compares for each candidate it keeps


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """A faiss index, without what maps its labels to ids.

    Args:
        index: what is searched.
        stored: the rows that its labels lead to.
        rows: place of each label; None: a label is a place, or an id where ``by_id``.
        by_id: whether labels are ids, as those of an IVF are.
        keeper: what owns ``index``, where it does not own itself.
    """

    index: Any
    stored: Stored
    rows: NDArray[np.int64] | None = None
    by_id: bool = False
    keeper: Any = None

    @classmethod
    def of(cls, index: Any, stored: Stored, *, used_up: bool = False) -> Codes:
        """The codes of a faiss index that answers with ids of ``stored``.

        ``used_up``: its map of ids is thrown away, as it takes much memory. Ids that ``stored``
        lacks are never found.
        """
        owner, index = index, _FAISS.downcast_index(index)
        if not isinstance(index, faiss.IndexIDMap):
            return cls(index, stored, by_id=True, keeper=owner)
        ids = np.array(_FAISS.vector_to_array(index.id_map), dtype=np.int64)
        rows = None if np.array_equal(ids, stored.ids) else stored.places(ids)
        if used_up:
            within, owner = taken(index)
            return cls(within, stored, rows, keeper=owner)
        return cls(_FAISS.downcast_index(index.index), stored, rows, keeper=owner)

    @property
    def exact(self) -> bool:
        """Whether its scores are those of the vectors themselves."""
        return isinstance(self.index, faiss.IndexFlat | faiss.IndexHNSWFlat | faiss.IndexIVFFlat)

    def candidates(self, queries: NDArray[np.float32], count: int, setting: Setting) -> Found:
        """The ``count`` nearest by code, best first: their scores and places, each (q, count).

        The place is -1 where there are fewer.
        """
        scores, labels = self.index.search(queries, count, params=self._parameters(setting))
        if self.by_id:
            return scores, np.where(labels < 0, -1, self.stored.places(labels))
        if self.rows is None:
            return scores, labels
        return scores, np.where(labels < 0, -1, self.rows[labels])

    def widened(self, setting: Setting, times: float) -> Setting:
        """The setting that looks at ``times`` as many candidates."""
        if times <= 1:
            return setting
        lists, graph, wide = self._lists(), self._graph(), dict[str, int]()
        if lists is not None:
            wide["nprobe"] = min(lists.nlist, math.ceil(_nprobe(lists, setting) * times))
        if graph is not None:
            wide["ef"] = math.ceil(_ef(graph, setting) * times)
        return setting.model_copy(update=wide)

    def cost(self, count: int, setting: Setting) -> float:
        """What a search costs, in exact vectors that it could compare a query with meanwhile.

        Rough: it decides between two ways to the same answer. From 100,000 x 512 and two threads.
        """
        if (lists := self._lists()) is not None:
            share = _nprobe(lists, setting) / lists.nlist
            each = _LISTED.get(type(lists).__name__, _OTHER)
            return float(lists.nlist + share * lists.ntotal * each + 2 * count)
        if (graph := self._graph()) is not None:
            return float(max(_ef(graph, setting), count)) * _VISITED
        return _SCANNED * float(self.index.ntotal) + 2 * count

    def _parameters(self, setting: Setting) -> Any:
        """What faiss takes a setting as: of this call only, never a state of the index."""
        if (lists := self._lists()) is not None:
            within = _FAISS.SearchParametersIVF(nprobe=_nprobe(lists, setting))
            if isinstance(self.index, faiss.IndexPreTransform):
                return _FAISS.SearchParametersPreTransform(index_params=within)
            return within
        if (graph := self._graph()) is not None and setting.ef is not None:
            return _FAISS.SearchParametersHNSW(efSearch=_ef(graph, setting))
        return None  # fast scan takes none, not even empty ones

    def _lists(self) -> Any:
        """The IVF that it is or has within; None if it is none."""
        index = self.index
        if isinstance(index, faiss.IndexPreTransform):
            index = _FAISS.downcast_index(index.index)
        return index if isinstance(index, faiss.IndexIVF) else None

    def _graph(self) -> Any:
        return self.index if isinstance(self.index, faiss.IndexHNSW) else None


def _nprobe(lists: Any, setting: Setting) -> int:
    """Lists that are read: no more than there are, whatever a card says."""
    return int(min(setting.nprobe or lists.nlist, lists.nlist))


def _ef(graph: Any, setting: Setting) -> int:
    """Candidates of a graph: no more than rows. faiss would take memory for as many as it says."""
    return int(max(1, min(setting.ef or graph.hnsw.efSearch, graph.ntotal)))
