"""Search one snapshot of a lake: a query in, hits out."""

from __future__ import annotations

import threading
from itertools import product
from pathlib import Path

import numpy as np

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.fusion.base import Fusion
from mmcore.media.names import language_of
from mmcore.search.fusions import published_fusion
from mmcore.search.hits import Best, Catalog
from mmcore.search.queries import Asked, Asker
from mmcore.specs import LimitsSpec, RuntimeSpec
from mmcore.types import Hit, Ids, Query, Vectors, unit_rows
from storage.indexes.files import Index
from storage.layout import Layout
from storage.manifest import IndexEntry
from storage.places.place import place_of
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot


class Searcher:
    """One snapshot, opened for searching; safe to share among threads.

    Indexes, rows and weights are read when a query first needs them, and kept.
    """

    def __init__(self, snapshot: Snapshot, asker: Asker) -> None:
        self.snapshot = snapshot
        self._asker = asker
        self._catalog = Catalog(snapshot)
        self._indexes: dict[str, Index] = {}  # by path
        self._fusion: Fusion | None = None  # of vectors in a space of their own
        self._opening = threading.Lock()
        self._encoding = threading.Lock()  # a model takes all cores: two at once would only fight

    @classmethod
    def open(
        cls,
        lake: str | Path,
        number: int | None = None,
        *,
        limits: LimitsSpec | None = None,
        runtime: RuntimeSpec | None = None,
    ) -> Searcher:
        """Open the published snapshot of ``lake``, or the one of ``number``; loads no weights.

        ``lake`` is a folder, or a URL such as ``s3://bucket/lake``. Raises NoLakeError where
        nothing, or not that number, is published.
        """
        root = place_of(lake) if isinstance(lake, str) else lake
        snapshot = Snapshot.open(Layout(root), number)
        return cls(snapshot, Asker.of(snapshot, limits or LimitsSpec(), runtime or RuntimeSpec()))

    def search(self, query: Query) -> list[Hit]:
        """At most ``query.k`` items, best first, each once; as many as there are, up to k.

        With a modality (a language means texts), an item comes up by its best segment of it.
        Without, by its fused vector; a query that cannot meet those (a sound, before there was
        anything to fit on, or in another space than pictures) searches its own kind. A text is
        encoded by the text tower of what is searched, and by no other. Raises ConfigError for a
        query that asks nothing, or where there is nothing to search, SpaceMismatchError where no
        comparison means anything.
        """
        check(query)
        modality = Modality.TEXT if query.language else query.modality
        target = self._target(modality, self._kind(query))
        index = self._opened(target)
        given = query.vector is not None
        if given:
            vector = self._given(query, index, target)
        else:
            vector = self._in_index(self._ask(query, self._asked_in(target)).vector, target)
        if target.modality == FUSED:
            return self._items(index, vector, query.k)
        return self._segments(Modality(target.modality), index, vector, query)

    def _kind(self, query: Query) -> Modality | None:
        """What is asked with; None: a vector. Nothing is decoded or encoded."""
        if query.media is not None:
            return self._asker.kind(Path(query.media), query.media_modality)
        return None if query.text is None else Modality.TEXT

    def _ask(self, query: Query, space: str) -> Asked:
        """The query in ``space``: by the one encoder that makes it so."""
        with self._encoding:
            if query.text is not None:
                return self._asker.text(query.text, space)
            return self._asker.media(Path(query.media or ""), query.media_modality, space)

    def _target(self, modality: Modality | None, kind: Modality | None) -> IndexEntry:
        """The index to search, which must lie in a space that ``kind`` can ask in."""
        wanted: list[str] = [modality] if modality else [FUSED, *([kind] if kind else [])]
        indexes = [index for index in self.snapshot.manifest.indexes if index.rows]
        there = [index for name in wanted for index in indexes if index.modality == name]
        if not there:
            known = {index.modality for index in self.snapshot.manifest.indexes}
            listed = ", ".join(m for m in (*MODALITIES, FUSED) if m in known) or "none"
            raise ConfigError(f"the lake has no {wanted[0]} index to search; it has: {listed}")
        if kind is None:
            return there[0]
        spaces = self._asker.spaces(kind)
        for name, space in product(wanted, spaces):
            for index in there:
                if (index.modality, self._asked_in(index)) == (name, space):
                    return index
        raise SpaceMismatchError(spaces[0], there[0].space, self._hint(there[0], kind))

    def _asked_in(self, index: IndexEntry) -> str:
        """The space of the queries that ``index`` takes: its own, or the one that is fused."""
        return self.snapshot.manifest.fused_of if index.modality == FUSED else index.space

    def _in_index(self, vector: Vectors, index: IndexEntry) -> Vectors:
        """A query's vector (d,) as the vectors of ``index`` are: fused ones may have a space."""
        if index.space == self._asked_in(index):
            return vector
        with self._opening:
            if self._fusion is None:
                self._fusion = published_fusion(self.snapshot)
        return vector if self._fusion is None else self._fusion.ask(vector[None])[0]

    def _given(self, query: Query, index: Index, entry: IndexEntry) -> Vectors:
        """The query's own vector, scaled to length 1: it is taken to be of the index's space.

        Or of the space that is fused, where the index has another one and the length says so.
        """
        numbers = np.array([query.vector], dtype=np.float32)
        shared = self.snapshot.manifest.shared
        dims = {index.card.dim}
        if shared is not None and index.card.space != self._asked_in(entry):
            dims.add(self.snapshot.manifest.dim_of(shared))
        if numbers.shape[1] not in dims:
            raise SpaceMismatchError(
                f"of {numbers.shape[1]} numbers", index.card.space, f"it has {index.card.dim}"
            )
        try:
            vector: Vectors = unit_rows(numbers)[0]
        except ValueError as error:
            raise ConfigError(f"the query vector cannot be used: {error}") from error
        return vector if len(vector) == index.card.dim else self._in_index(vector, entry)

    def _hint(self, index: IndexEntry, kind: Modality) -> str:
        """Why ``index`` cannot be asked by ``kind``, and what can be done."""
        own = f"search {kind} with it"
        texts = self.snapshot.spaces(Modality.TEXT)
        if index.modality != Modality.TEXT and {
            self._asked_in(index),
            self._asker.space(kind),
        } <= {*texts}:
            return (
                f"{index.modality} cannot be found by {kind}: only a text has a vector in both"
                f" spaces; {own}, or ask with a text"
            )
        return (
            f"{index.modality} cannot be found by {kind} yet, since the lake had too few items"
            f" with both to learn from; {own}"
        )

    def _opened(self, entry: IndexEntry) -> Index:
        with self._opening:
            if entry.path not in self._indexes:
                self._indexes[entry.path] = self.snapshot.opened(entry)
            return self._indexes[entry.path]

    def _items(self, index: Index, vector: Vectors, k: int) -> list[Hit]:
        scores, ids = index.search(vector[None], min(k, index.card.rows))
        return [
            self._catalog.item_hit(item, score)
            for item, score in zip(ids[0].tolist(), scores[0].tolist(), strict=True)
            if item >= 0
        ]

    def _segments(
        self, modality: Modality, index: Index, vector: Vectors, query: Query
    ) -> list[Hit]:
        allowed = self._allowed(query.language)
        rows = index.card.rows if allowed is None else len(allowed)
        depth, found = 2 * query.k, list[Best]()
        while len(found) < query.k:  # many segments may be of few items
            scores, ids = index.search(vector[None], min(depth, rows), allowed)
            real = ids[0] >= 0
            near = ids[0][real].tolist(), scores[0][real].tolist()
            found = self._catalog.best_items(modality, *near)
            if depth >= rows:
                break
            depth *= 4
        return [self._catalog.segment_hit(modality, best) for best in found[: query.k]]

    def _allowed(self, language: str | None) -> Ids | None:
        if language is None:
            return None
        allowed = self._catalog.of_language(language_of(language))
        if not len(allowed):
            known = ", ".join(self._catalog.languages()) or "none"
            raise ConfigError(f"the lake has no texts in {language!r}; it has: {known}")
        return allowed


def check(query: Query) -> None:
    """Raise ConfigError unless the query asks exactly one thing, for at least one answer."""
    given = [name for name in ("text", "media", "vector") if getattr(query, name) is not None]
    if len(given) != 1:
        raise ConfigError(
            f"ask with one of text, media or vector, not {' and '.join(given) or 'none'}"
        )
    if query.k < 1:
        raise ConfigError(f"{query.k} results were asked for: ask for at least one")
    if query.language is not None and query.modality not in (None, Modality.TEXT):
        raise ConfigError(f"a language chooses among texts, not {query.modality}: leave one out")
