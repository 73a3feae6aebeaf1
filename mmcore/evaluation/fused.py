"""The fused gallery: an item that holds a question's own content is fused again without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.queries import Question
from mmcore.evaluation.ranking import Gallery, Overrides
from mmcore.fusion.base import Fusion
from mmcore.fusion.pooling import Members, fuse_items
from mmcore.training.rows import Rows
from mmcore.types import Ids, Vectors
from storage.schemas import MODALITIES, Modality

_BATCH_ROWS = 100_000  # rows gathered at once to fuse again


class FusedGallery:
    """The fused vectors, and single items fused again without a question's own content."""

    def __init__(
        self,
        ids: Ids,
        vectors: Vectors,
        rows: Mapping[Modality, Rows],
        fusion: Fusion,
    ) -> None:
        """Take the fused vectors, and the rows they are made of, each sorted by item."""
        self.fusion = fusion
        self.gallery = Gallery.of(ids, np.zeros(len(ids), dtype="U32"), vectors)
        self._rows = rows
        self._contents = {modality: contents_of(of) for modality, of in rows.items()}
        self._by_content = {m: ByContent.of(contents) for m, contents in self._contents.items()}

    def masks(self, items: Sequence[int]) -> list[str]:
        """What each item is fused of, as ``image+text``."""
        wanted = np.array(items, dtype=np.int64)
        has = {m: np.isin(wanted, rows.item_ids) for m, rows in self._rows.items()}
        return [
            "+".join(m for m in MODALITIES if m in has and has[m][i]) for i in range(len(wanted))
        ]

    def without_own(self, questions: Sequence[Question], vectors: Vectors) -> Overrides:
        """Scores of the items that hold a question's content, as they are without it.

        An item that has nothing else leaves the gallery. ``vectors`` (q, d) are the questions'.
        """
        queries: list[int] = []
        items: list[int] = []
        for place, question in enumerate(questions):
            held = sorted(self._holders(question))
            queries += [place] * len(held)
            items += held
        rows = self.gallery.positions(np.array(items, dtype=np.int64))
        scores = np.full(len(items), -np.inf, dtype=np.float32)
        for batch in self._batches(items):
            pairs = [(questions[queries[i]].hidden, items[i]) for i in batch]
            again, found = self.fused_again(pairs)
            owners = np.array([queries[batch[i]] for i in again], dtype=np.int64)
            scores[np.array(batch)[again]] = np.einsum("nd,nd->n", found, vectors[owners])
        return Overrides.of(queries, rows, scores)

    def _holders(self, question: Question) -> set[int]:
        """The items of the gallery that hold one of the question's contents."""
        held = {
            int(self._rows[modality].item_ids[row])
            for modality, by_content in self._by_content.items()
            for content in question.hidden
            for row in by_content.rows(content).tolist()
        }
        known = np.array(sorted(held), dtype=np.int64)
        return set(self.gallery.item_ids[self.gallery.positions(known)].tolist())

    def _batches(self, items: Sequence[int]) -> Iterator[list[int]]:
        """Cut places of ``items`` so that a batch gathers a bounded number of rows."""
        wanted = np.array(items, dtype=np.int64)
        counts = np.zeros(len(wanted), dtype=np.int64)
        for rows in self._rows.values():
            counts += np.searchsorted(rows.item_ids, wanted, side="right")
            counts -= np.searchsorted(rows.item_ids, wanted, side="left")
        number = (np.cumsum(counts) // _BATCH_ROWS).tolist()
        for _, batch in groupby(range(len(items)), key=lambda place: number[place]):
            yield list(batch)

    def fused_again(self, pairs: Sequence[tuple[Collection[str], int]]) -> tuple[Ids, Vectors]:
        """Items without some contents: places of the pairs that have something left, and vectors.

        A pair is the contents that are left out, and an item.
        """
        members = {modality: self._members(modality, pairs) for modality in self._rows}
        fused = fuse_items("", self.fusion, members)
        if fused is None:
            dim = self.gallery.vectors.shape[1]
            return np.zeros(0, dtype=np.int64), np.zeros((0, dim), dtype=np.float32)
        return fused.item_ids, fused.vectors

    def _members(
        self, modality: Modality, pairs: Sequence[tuple[Collection[str], int]]
    ) -> Members:
        """The rows of each pair's item but those left out; a pair's place is the item here."""
        rows, contents = self._rows[modality], self._contents[modality]
        wanted = np.array([item for _, item in pairs], dtype=np.int64)
        lows = np.searchsorted(rows.item_ids, wanted, side="left")
        highs = np.searchsorted(rows.item_ids, wanted, side="right")
        owners, kept = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for place, (hidden, _) in enumerate(pairs):
            mine = np.arange(lows[place], highs[place])
            mine = mine[~np.isin(contents[mine], list(hidden))]
            kept.append(mine)
            owners.append(np.full(len(mine), place, dtype=np.int64))
        which = np.concatenate(kept)
        return Members(np.concatenate(owners), rows.segment_ids[which], rows.vectors[which])
