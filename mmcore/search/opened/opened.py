"""What a searcher reads of its snapshot: each thing once, at its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from mmcore.search.among import among
from mmcore.search.conditions.where import Where
from mmcore.search.opened.models import published_fusion
from mmcore.search.opened.once import Once
from mmcore.search.opened.owners import Owners
from mmcore.search.opened.rows import Rows
from mmcore.search.ranking.calibrated import Background
from mmcore.search.words.bm25 import Lexicon
from mmcore.search.words.wording import Lexical
from mmcore.types import Ids, Vectors
from storage.indexes.files import FLAT, Index
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot

T = TypeVar("T")


class Opened:
    """The indexes of one snapshot and what is made of them; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rows = Rows(snapshot)
        self._made = Once()

    def index(self, entry: IndexEntry) -> Index:
        """The index of an entry."""
        return self._once("index", entry.path, lambda: self.snapshot.opened(entry))

    def held(self, entry: IndexEntry) -> Ids:
        """The ids that it answers with, sorted."""
        return self._once("held", entry.path, lambda: self.index(entry).held())

    def exact(self, entry: IndexEntry) -> bool:
        """Whether the index compares all rows, so that a longer list begins as a shorter one."""
        return self.index(entry).card.type == FLAT

    def background(self, entry: IndexEntry) -> Background:
        """The sample of its rows that scores are held against."""
        return self._once(
            "background",
            entry.path,
            lambda: Background.of(self.index(entry), self.held(entry)),
        )

    def owners(self, modality: Modality) -> Owners:
        """The items that the segments of a modality serve."""
        return self._once("owners", modality, lambda: Owners.of(*self.snapshot.pairs(modality)))

    def of_language(self, language: str) -> Ids:
        """Ids of the text segments in a language, sorted."""
        return self._once("language", language, lambda: self.rows.of_language(language))

    def languages(self) -> tuple[str, ...]:
        """The languages of the lake's texts, sorted."""
        return self._once("languages", "", lambda: (*self.rows.languages(),))

    def lexicon(self, language: str | None = None) -> Lexical | None:
        """The words of the snapshot, of its texts in a language; None where it has none."""
        whole: Lexical | None = self._once("lexicon", "", lambda: Lexicon.of(self.snapshot))
        if whole is None or language is None:
            return whole
        kept: Lexical = self._once(
            "lexicon", language, lambda: whole.within(self.of_language(language))
        )
        return kept

    def where(self) -> Where:
        """What answers conditions on items and files."""
        return self._once("where", "", lambda: Where(self.snapshot))

    def having(self, modalities: frozenset[Modality]) -> Ids:
        """The items with a segment of one of these media, sorted."""
        return self._once(
            "having",
            " ".join(sorted(modalities)),
            lambda: np.unique(np.concatenate([self.owners(one).known for one in modalities])),
        )

    def items(self) -> Ids:
        """All items, sorted."""
        return self._once(
            "items",
            "",
            lambda: np.unique(self.snapshot.rows("items", ["item_id"])["item_id"].to_numpy()),
        )

    def beyond(self, entry: IndexEntry) -> Ids:
        """The items that an index cannot answer with, sorted: it has no vector of them.

        Without those of which no file can be used: there is nothing of them to find.
        """
        return self._once("beyond", entry.path, lambda: self._beyond(entry))

    def _beyond(self, entry: IndexEntry) -> Ids:
        held, items = self.held(entry), self.items()
        if entry.modality != FUSED:
            held = self.owners(Modality(entry.modality)).items_of(held)
        without = items[~among(items, held)]
        return without[among(without, self._usable())] if len(without) else without

    def _usable(self) -> Ids:
        """The items with a file of which something can be used, sorted."""
        return np.union1d(self.rows.with_good_files(), self.having(frozenset(Modality)))

    def asked_in(self, entry: IndexEntry) -> str:
        """The space of the queries that an index takes: its own, or the one that is fused."""
        return self.snapshot.manifest.fused_of if entry.modality == FUSED else entry.space

    def in_index(self, vector: Vectors, entry: IndexEntry) -> Vectors:
        """A query's vector (d,) as the vectors of an index are: fused ones may have a space."""
        if entry.space == self.asked_in(entry):
            return vector
        fusion = self._once("fusion", "", lambda: published_fusion(self.snapshot))
        return vector if fusion is None else fusion.ask(vector[None])[0]

    def _once(self, kind: str, name: str, make: Callable[[], T]) -> T:
        return self._made.of((kind, name), make)
