"""One direction at a time: choose its queries, rank the gallery, measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from mmcore.evaluation import measures
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.galleries import FUSED, Galleries
from mmcore.evaluation.labels import Labels
from mmcore.evaluation.queries import FittedOn, Pairs, Question
from mmcore.evaluation.ranking import Gallery, Ranking, rank
from mmcore.evaluation.scores import Direction, Unscored
from mmcore.specs import EvaluationSpec
from mmcore.types import Vectors


@dataclass(frozen=True, slots=True)
class Scored:
    """A measured direction and the contents it was asked with."""

    direction: Direction
    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """One snapshot laid out for measuring."""

    pairs: Pairs
    galleries: Galleries
    vectors: QuestionVectors
    labels: Labels
    spec: EvaluationSpec
    held_out: float  # share of caption keys
    fitted: FittedOn
    _questions: dict[str, list[Question]] = field(default_factory=dict)
    _asked: dict[str, dict[str, Vectors]] = field(default_factory=lambda: defaultdict(dict))

    def directions(self) -> list[tuple[str, str]]:
        """(asked with, looked for) wherever both lie in one space: across media and languages."""
        targets = [*self.pairs.sides, *([FUSED] if self.galleries.has_fused else [])]
        return [
            (source, target)
            for source in self.pairs.sides
            for target in targets
            if source != target and self.vectors.space(source) == self.galleries.space(target)
        ]

    def ask(self, source: str, target: str) -> Scored | Unscored:
        """Measure one direction, or say with how many queries it could not be."""
        name = f"{source}→{target}"
        gallery = self.galleries.of(target)
        chosen = self._chosen(source, gallery)
        if len(chosen) < self.spec.min_queries:
            return Unscored(name=name, queries=len(chosen))
        ranking = self._ranked(target, chosen)
        able = [place for place, items in enumerate(ranking.relevant) if len(items)]
        if len(able) < self.spec.min_queries:
            return Unscored(name=name, queries=len(able))
        chosen, ranking = [chosen[place] for place in able], ranking.take(able)
        direction = self._measured(name, target, chosen, ranking)
        return Scored(direction, tuple(question.content_id for question in chosen))

    def asked(self) -> dict[str, Vectors]:
        """Index (a modality, or fused) → the vectors (n, d) it was asked with, by content id."""
        return {
            index: np.stack([found[content] for content in sorted(found)])
            for index, found in self._asked.items()
        }

    def _chosen(self, source: str, gallery: Gallery) -> list[Question]:
        """The first questions, by hash, that have a right answer in the gallery."""
        if source not in self._questions:
            found = self.pairs.questions(source, self.held_out, self.fitted)
            self._questions[source] = list(found)
        able = (q for q in self._questions[source] if len(gallery.positions(q.relevant)))
        return list(islice(able, self.spec.max_queries))

    def _ranked(self, target: str, chosen: Sequence[Question]) -> Ranking:
        self.vectors.prepare(chosen)
        vectors = np.stack([self.vectors.of(question) for question in chosen])
        for question, vector in zip(chosen, vectors, strict=True):
            self._asked[target.partition(":")[0]][question.content_id] = vector
        return rank(
            vectors,
            self.galleries.of(target),
            [question.relevant for question in chosen],
            self.galleries.without_own(target, chosen, vectors),
            depth=max(self.spec.depth, *self.spec.cutoffs, 10),
        )

    def _measured(
        self, name: str, target: str, chosen: Sequence[Question], ranking: Ranking
    ) -> Direction:
        scores = measures.per_query(ranking.relevant, ranking.found, self.spec.cutoffs)
        right = np.array([len(items) for items in ranking.relevant])
        return Direction(
            name=name,
            queries=len(chosen),
            gallery=len(self.galleries.of(target).item_ids),
            means=measures.means(scores),
            median_rank=float(np.median(ranking.first)),
            chance=float(np.mean(right / ranking.sizes)),
            without_results=[
                question.content_id
                for question, found in zip(chosen, ranking.found, strict=True)
                if not len(found)
            ],
            worst=self.labels.worst(chosen, ranking, target),
        )
