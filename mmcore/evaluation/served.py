"""Directions as they are served: through the built index, and not by exact products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmcore.evaluation.contents import ByContent
from mmcore.evaluation.directions import Bench, Chosen
from mmcore.evaluation.galleries import gone_without
from mmcore.evaluation.index_questions import first
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.queries import Question, medium, text_side
from mmcore.evaluation.ranking import EXPECTED, Gallery, Ranking
from mmcore.evaluation.rounded import DIGITS, Places
from mmcore.evaluation.scores import Served
from mmcore.training.rows import Rows
from mmcore.types import Ids, Vectors
from storage.indexes.files import FLAT, Index
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot

_WIDER = 4  # times as many segments, where so many are of too few items


def served_scores(snapshot: Snapshot, bench: Bench, exact: Iterable[Outcome]) -> list[Served]:
    """Directions through indexes that are not exact, beside ``exact`` at the same queries.

    An index that leaves nothing out answers as exact search does: its recall tells whether so.
    """
    approximate = [e for e in snapshot.manifest.indexes if snapshot.opened(e).card.type != FLAT]
    of = {one.label: one for one in exact}
    return [
        Served(
            direction=found.name,
            index=entry.name,
            kind=found.kind,
            queries=len(found.queries),
            means=found.means(),
            exact=of[found.name].at(found.queries).means(),
        )
        for entry, found in served_outcomes(snapshot, bench, approximate)
        if found.name in of
    ]


def served_outcomes(
    snapshot: Snapshot, bench: Bench, indexes: Sequence[IndexEntry]
) -> Iterator[tuple[IndexEntry, Outcome]]:
    """What indexes of media and texts answer, to at most ``served_queries`` a direction.

    As a search does it: an item comes up by its best segment, and texts of one language are
    searched among those alone. More is fetched than is kept, and a query's own content taken out
    of it. The index stands in ``kind``. Fused vectors are not asked for: an item that holds the
    query is fused again without it, which no index has. ``first`` is 0 where nothing right is
    among the ranks that are kept.
    """
    entries = {(entry.modality, entry.space): entry for entry in indexes}
    for source, space, targets in bench.ways():
        for target in (t for t in targets if t != FUSED):
            entry = entries.get((str(medium(target)), space))
            if entry is not None and bench.vectors.can_ask(source, space):
                side = _Side.of(bench, snapshot.opened(entry), target, space)
                questions = side.able(bench.chosen(source, target, space))
                if questions and len(questions) >= bench.spec.min_queries:
                    yield entry, side.outcome(f"{source}→{target}", questions)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One side of a space, and the index that finds it."""

    bench: Bench
    index: Index
    target: str
    space: str
    gallery: Gallery
    by_content: ByContent
    segments: _Segments

    @classmethod
    def of(cls, bench: Bench, index: Index, target: str, space: str) -> _Side:
        """Looks up what it needs of the bench."""
        gallery = bench.galleries.of(target, space)
        segments = _Segments.of(bench.galleries.rows(medium(target), space), target)
        by_content = ByContent.of(gallery.contents)
        return cls(bench, index, target, space, gallery, by_content, segments)

    def able(self, chosen: Chosen) -> list[Question]:
        """The first of those who ask, by content, that have an answer."""
        most = self.bench.spec.served_queries
        asked = [q for q in first(self.bench, chosen, most) if q.content_id in chosen.full]
        return [question for question in asked if len(self._right(question))]

    def outcome(self, name: str, questions: list[Question]) -> Outcome:
        """What they find."""
        self.bench.vectors.prepare(questions, self.space)
        _, vectors = self.bench.made(self.target, self.space, questions)
        found = [self._found(v, q.hidden) for v, q in zip(vectors, questions, strict=True)]
        right = [self._right(question) for question in questions]
        hits = [np.flatnonzero(np.isin(f, r)) + 1 for f, r in zip(found, right, strict=True)]
        ranking = Ranking(
            tuple(found),
            tuple(hits),
            tuple(items[:EXPECTED].copy() for items in right),
            _numbers(len(items) for items in right),
            _numbers(int(ranks[0]) if len(ranks) else 0 for ranks in hits),
            _numbers(len(self.gallery.item_ids) - len(self._gone(q)) for q in questions),
        )
        size = len(self.gallery.item_ids)
        exact = self.bench.outcome(name, self.target, questions, ranking, size)
        return replace(exact, kind=self.index.card.type)

    def _right(self, question: Question) -> Ids:
        places = self.gallery.positions(question.relevant)
        return self.gallery.item_ids[places[~np.isin(places, self._gone(question))]]

    def _gone(self, question: Question) -> Places:
        return gone_without(self.gallery, self.by_content, question.hidden)

    def _found(self, vector: Vectors, hidden: frozenset[str]) -> Ids:
        """At most as many items as ranks are kept, best first."""
        depth, allowed = self.bench.depth, self.segments.allowed
        most = self.index.card.rows if allowed is None else len(allowed)
        fetched = 2 * depth + len(hidden)
        while True:
            scores, ids = self.index.search(vector[None], min(fetched, most), allowed)
            real = ids[0] >= 0
            items = self.segments.items_of(ids[0][real], scores[0][real], hidden)
            if len(items) >= depth or fetched >= most:
                return items[:depth]
            fetched *= _WIDER


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """The items and contents of the segments that can be found, sorted by segment."""

    ids: Ids  # (rows,) a segment that serves two items has two rows
    items: Ids
    contents: list[str]
    allowed: Ids | None  # None: the index holds no others

    @classmethod
    def of(cls, rows: Rows, side: str) -> _Segments:
        """Those of a medium, or of the texts of one language."""
        allowed = None
        if medium(side) == Modality.TEXT:
            mine = np.array([text_side(of) == side for of in rows.languages], dtype=bool)
            rows = rows.take(mine)
            allowed = np.unique(rows.segment_ids)
        order = np.argsort(rows.segment_ids, kind="stable")
        contents = [rows.content_ids[row] for row in order.tolist()]
        return cls(rows.segment_ids[order], rows.item_ids[order], contents, allowed)

    def items_of(self, found: Ids, scores: Vectors, hidden: frozenset[str]) -> Ids:
        """The items of segments that are not of ``hidden`` contents, each once, best first.

        Ties are settled as in exact rankings: by the smaller id, of rounded scores.
        """
        lows = np.searchsorted(self.ids, found, side="left")
        counts = np.searchsorted(self.ids, found, side="right") - lows
        rows = np.repeat(lows - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        scores = np.repeat(np.round(scores, DIGITS), counts)
        kept = [place for place, row in enumerate(rows) if self.contents[row] not in hidden]
        items, scores = self.items[rows[kept]], scores[kept]
        order = np.lexsort((items, -scores))
        return np.array(list(dict.fromkeys(items[order].tolist())), dtype=np.int64)


def _numbers(values: Iterable[int]) -> Places:
    return np.array(list(values), dtype=np.int64)
