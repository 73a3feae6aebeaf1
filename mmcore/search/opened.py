"""What a searcher reads of its snapshot: each thing once, at its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from mmcore.search.fusions import published_fusion
from mmcore.search.hits import Catalog
from mmcore.search.lexical import Lexical
from mmcore.search.owners import Owners
from mmcore.search.ranking.calibrated import Background
from mmcore.search.where import Where
from mmcore.search.words.bm25 import Lexicon
from mmcore.types import Ids, Vectors
from storage.indexes.files import Index
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot

T = TypeVar("T")


class Opened:
    """The indexes of one snapshot and what is made of them; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.catalog = Catalog(snapshot)
        self._lock = threading.RLock()  # what is opened may need another thing that is
        self._kept: dict[tuple[str, str], Any] = {}

    def index(self, entry: IndexEntry) -> Index:
        """The index of an entry."""
        return self._once("index", entry.path, lambda: self.snapshot.opened(entry))

    def held(self, entry: IndexEntry) -> Ids:
        """The ids that it answers with, sorted."""
        return self._once("held", entry.path, lambda: self.index(entry).held())

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
        return self._once("language", language, lambda: self.catalog.of_language(language))

    def languages(self) -> tuple[str, ...]:
        """The languages of the lake's texts, sorted."""
        return self._once("languages", "", lambda: (*self.catalog.languages(),))

    def lexicon(self) -> Lexical | None:
        """The words of the snapshot; None where it has none."""
        return self._once("lexicon", "", lambda: Lexicon.of(self.snapshot))

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
        with self._lock:
            if (kind, name) not in self._kept:
                self._kept[kind, name] = make()
            kept: T = self._kept[kind, name]
            return kept
