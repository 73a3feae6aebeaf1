"""One direction at a time: take its frozen queries, rank the gallery, measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation import measures
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.galleries import Galleries
from mmcore.evaluation.labels import Labels
from mmcore.evaluation.outcomes import HELD_OUT, Measured, Outcome
from mmcore.evaluation.queries import Pairs, Question
from mmcore.evaluation.ranking import Gallery, Mask, Ranking, Within, rank, rank_both
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.scores import Unscored
from mmcore.evaluation.terms import Terms
from mmcore.specs import EvaluationSpec
from mmcore.types import Ids, Vectors
from storage.schemas import FUSED

NO_TEXTS: Final = "the lake keeps no texts to ask with"

_NONE: Final = np.zeros(0, dtype=np.int64)


class Chosen(NamedTuple):
    """Who asks in one direction."""

    asked: list[Question]  # that the snapshot can ask with, by content id
    full: frozenset[str]  # contents that have a right answer in the snapshot's gallery
    common: Mapping[str, Question]  # by content: as what both snapshots hold knows them


@dataclass(frozen=True, slots=True)
class Bench:
    """One snapshot laid out for measuring."""

    pairs: Pairs
    galleries: Galleries
    vectors: QuestionVectors
    labels: Labels
    terms: Terms
    _masks: dict[tuple[str, str], Mask] = field(default_factory=dict)

    @property
    def spec(self) -> EvaluationSpec:
        """What is measured."""
        return self.terms.spec

    @property
    def held_out(self) -> float:
        """The share of caption keys that is held out."""
        return self.terms.fit.held_out

    @property
    def fitted(self) -> FittedOn:
        """Pairs that touch it are never asked."""
        return self.terms.fitted

    @property
    def depth(self) -> int:
        """How many ranks of each query are kept."""
        return measures.depth(self.spec)

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be looked for: media, texts by language, and fused vectors."""
        return (*self.pairs.sides, *((FUSED,) if self.galleries.has_fused else ()))

    def directions(self, kept: Kept | None = None) -> Iterator[Measured | Unscored]:
        """Measure wherever two sides have a common space: across media and languages.

        Where they have several, the source's main one counts, as in a search. A direction with too
        few queries says how many it has. All questions of a side are made vectors of a space at
        once, for whatever is looked for with them.
        """
        for source, space, targets in self.ways():
            yield from self._in_space(space, source, targets, kept)

    def ways(self) -> Iterator[tuple[str, str, list[str]]]:
        """A source, a space that it asks in, and what it looks for there."""
        for source in self.pairs.sides:
            common = {t: self.common(source, t) for t in self.targets if t != source}
            for space in self.vectors.spaces(source):
                yield source, space, [t for t in common if common[t] == space]

    def common(self, source: str, target: str) -> str | None:
        """The space in which ``source`` asks for ``target``; None where they share none."""
        found = self.galleries.spaces(target)
        return next((space for space in self.vectors.spaces(source) if space in found), None)

    def _in_space(
        self, space: str, source: str, targets: Sequence[str], kept: Kept | None
    ) -> Iterator[Measured | Unscored]:
        names = {target: f"{source}→{target}" for target in targets}
        if not self.vectors.can_ask(source, space):
            yield from (Unscored(name=name, queries=0, why=NO_TEXTS) for name in names.values())
            return
        before = {t: kept and kept.load(names[t]) for t in targets}
        chosen = {t: self.chosen(source, t, space) for t in targets if not before[t]}
        scored = [of for of in chosen.values() if len(of.full) >= self.spec.min_queries]
        self.vectors.prepare([question for of in scored for question in of.asked], space)
        for target, name in names.items():
            if done := before[target]:
                yield done
                continue
            found = self._ask(name, target, space, chosen[target])
            if kept and isinstance(found, Measured):
                kept.save(found)
            yield found

    def chosen(self, source: str, target: str, space: str) -> Chosen:
        """The frozen questions of a direction that have a right answer, here or in common.

        Those that touch what was fitted on are left out.
        """
        contents = self.terms.frozen.contents(f"{source}→{target}")
        gallery, world = self.galleries.of(target, space), self.terms.world
        mine = self.pairs.frozen(source, contents, self.fitted)
        full = {q.content_id: q for q in mine if gallery.holds_any(q.right)}
        shared = world.asks.frozen(source, contents, self.fitted) if world else ()
        common = {q.content_id: q for q in shared if len(self._right(q, target))}
        others = sorted(common.keys() - full.keys())
        here = {q.content_id: q for q in self.pairs.frozen(source, others, FittedOn())}
        asked = sorted([*full.values(), *here.values()], key=lambda q: q.content_id)
        return Chosen(asked, frozenset(full), common)

    def _ask(self, name: str, target: str, space: str, chosen: Chosen) -> Measured | Unscored:
        if len(chosen.full) < self.spec.min_queries:
            return Unscored(name=name, queries=len(chosen.full))
        ranking, common = self._both(target, space, chosen)
        able = np.flatnonzero(ranking.relevant).tolist()
        if len(able) < self.spec.min_queries:
            return Unscored(name=name, queries=len(able))
        asked = [chosen.asked[place] for place in able]
        gallery = len(self.galleries.of(target, space).item_ids)
        full = self.outcome(name, target, asked, ranking.take(able), gallery)
        if common is None or self.terms.world is None:
            return Measured(full)
        questions, within = common.in_common(
            [question.content_id for question in chosen.asked],
            chosen.common,
            lambda question: self._right(question, target),
        )
        size = int(np.count_nonzero(self._items_within(target, space)))
        return Measured(full, self.outcome(name, target, questions, within, size))

    def ranked(self, target: str, space: str, chosen: Sequence[Question]) -> Ranking:
        """What prepared questions find; what is right may be in no gallery of theirs."""
        _, vectors = self.made(target, space, chosen)
        return rank(
            vectors,
            self.galleries.of(target, space),
            (question.relevant for question in chosen),
            self.galleries.without_own(target, space, chosen, vectors),
            depth=self.depth,
        )

    def made(self, target: str, space: str, chosen: Sequence[Question]) -> tuple[str, Vectors]:
        """The vectors of prepared questions as ``target`` is asked for, and their space."""
        vectors = np.stack([self.vectors.of(question, space) for question in chosen])
        return self.galleries.asked(target, space, vectors)

    def _both(self, target: str, space: str, chosen: Chosen) -> tuple[Ranking, Ranking | None]:
        """What those who ask find in all, and in what both snapshots hold."""
        gallery = self.galleries.of(target, space)
        _, vectors = self.made(target, space, chosen.asked)
        relevant = (q.relevant if q.content_id in chosen.full else _NONE for q in chosen.asked)
        own = self.galleries.without_own(target, space, chosen.asked, vectors)
        if self.terms.world is None:
            return rank(vectors, gallery, relevant, own, depth=self.depth), None
        right = (self._right(chosen.common.get(q.content_id), target) for q in chosen.asked)
        within = Within(self.mask(target, space), right)
        return rank_both(vectors, gallery, relevant, own, within, depth=self.depth)

    def mask(self, target: str, space: str) -> Mask:
        """(rows,) which rows of a gallery both snapshots hold; all, without a baseline."""
        gallery = self.galleries.of(target, space)
        if (target, space) not in self._masks:
            world = self.terms.world
            every = np.ones(len(gallery.contents), dtype=bool)
            self._masks[target, space] = world.mask(gallery, target) if world else every
        return self._masks[target, space]

    def item_mask(self, target: str, space: str) -> Mask:
        """(rows,) which rows are of items that both snapshots hold; all, without a baseline."""
        gallery, world = self.galleries.of(target, space), self.terms.world
        every = np.ones(len(gallery.contents), dtype=bool)
        return world.of_items(gallery) if world else every

    def _items_within(self, target: str, space: str) -> Mask:
        return items_within(self.galleries.of(target, space), self.mask(target, space))

    def _right(self, question: Question | None, target: str) -> Ids:
        """What is right for a question in what both snapshots hold.

        Made when asked for: kept, it would take the square of a caption's popularity.
        """
        world = self.terms.world
        return _NONE if world is None or question is None else world.right(question, target)

    def outcome(
        self,
        name: str,
        target: str,
        questions: Sequence[Question],
        ranking: Ranking,
        gallery: int,
    ) -> Outcome:
        """Measured; ``questions`` are sorted by content."""
        return Outcome(
            set=HELD_OUT,
            name=name,
            queries=tuple(question.content_id for question in questions),
            groups=np.array([question.group for question in questions], dtype=np.int64),
            categories=self.labels.first([int(question.items[0]) for question in questions]),
            languages=tuple(question.language for question in questions),
            masks=self._right_masks(target, ranking),
            gallery=gallery,
            kind="exact",
            scores=measures.of_ranking(ranking, self.spec),
            ranking=ranking,
            top=self.tops(ranking),
        )

    def tops(self, ranking: Ranking) -> tuple[str, ...]:
        """The label of what each query found first; "" where that has none, or nothing was."""
        firsts = [int(found[0]) if len(found) else -1 for found in ranking.found]
        return tuple(label or "" for label in self.labels.first(firsts))

    def _right_masks(self, target: str, ranking: Ranking) -> tuple[str | None, ...]:
        """Of fused vectors: which modalities the right item of each query is fused of.

        The right item is the query's own where that is in the gallery, else the first of those
        that share a caption with it. What it has is told with the query's own content.
        """
        fused = self.galleries.fused
        if target != FUSED or fused is None:
            return (None,) * len(ranking.expected)
        right = [int(expected[0]) for expected in ranking.expected]
        return tuple(mask or None for mask in fused.masks(right))


def items_within(gallery: Gallery, rows: Mask) -> Mask:
    """(n,) which items have one of ``rows``."""
    counts = np.diff(np.concatenate([[0], np.cumsum(rows)])[gallery.starts])
    has: Mask = counts > 0
    return has
