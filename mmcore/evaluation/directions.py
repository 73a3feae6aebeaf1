"""One direction at a time: choose its queries, rank the gallery, measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation import measures
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.galleries import Galleries
from mmcore.evaluation.queries import Pairs, Question
from mmcore.evaluation.ranking import Ranking, rank
from mmcore.evaluation.scores import Direction, Unscored
from mmcore.evaluation.worst import WorstQueries
from mmcore.specs import EvaluationSpec
from mmcore.types import Vectors
from storage.schemas import FUSED

NO_TEXTS: Final = "the lake keeps no texts to ask with"


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
    worst: WorstQueries
    spec: EvaluationSpec
    held_out: float  # share of caption keys
    fitted: FittedOn  # pairs that touch it are never asked
    _asked: dict[tuple[str, str], dict[str, Vectors]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def directions(self) -> Iterator[Scored | Unscored]:
        """Measure wherever two sides have a common space: across media and languages.

        Where they have several, the source's main one counts, as in a search. A direction with too
        few queries says how many it has. All questions of a side are made vectors of a space at
        once, for whatever is looked for with them.
        """
        for source in self.pairs.sides:
            common = {t: self.common(source, t) for t in self.targets if t != source}
            for space in self.vectors.spaces(source):
                yield from self._in_space(space, source, [t for t in common if common[t] == space])

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be looked for: media, texts by language, and fused vectors."""
        return (*self.pairs.sides, *((FUSED,) if self.galleries.has_fused else ()))

    def common(self, source: str, target: str) -> str | None:
        """The space in which ``source`` asks for ``target``; None where they share none."""
        found = self.galleries.spaces(target)
        return next((space for space in self.vectors.spaces(source) if space in found), None)

    def _in_space(
        self, space: str, source: str, targets: Sequence[str]
    ) -> Iterator[Scored | Unscored]:
        if not self.vectors.can_ask(source, space):
            yield from (Unscored(name=f"{source}→{t}", queries=0, why=NO_TEXTS) for t in targets)
            return
        chosen = self._chosen(source, targets, space)
        scored = [of for of in chosen.values() if len(of) >= self.spec.min_queries]
        self.vectors.prepare([question for of in scored for question in of], space)
        for target, questions in chosen.items():
            yield self._ask(f"{source}→{target}", target, space, questions)

    def _ask(
        self, name: str, target: str, space: str, chosen: Sequence[Question]
    ) -> Scored | Unscored:
        if len(chosen) < self.spec.min_queries:
            return Unscored(name=name, queries=len(chosen))
        ranking = self.ranked(target, space, chosen)
        able = np.flatnonzero(ranking.relevant).tolist()
        if len(able) < self.spec.min_queries:
            return Unscored(name=name, queries=len(able))
        chosen, ranking = [chosen[place] for place in able], ranking.take(able)
        gallery = len(self.galleries.of(target, space).item_ids)
        direction = self._measured(name, target, gallery, chosen, ranking)
        return Scored(direction, tuple(question.content_id for question in chosen))

    def asked(self) -> dict[tuple[str, str], Vectors]:
        """Index (modality or fused, space) → what it was asked with (n, d), by content id."""
        return {
            index: np.stack([found[content] for content in sorted(found)])
            for index, found in self._asked.items()
        }

    def _chosen(
        self, source: str, targets: Sequence[str], space: str
    ) -> dict[str, list[Question]]:
        """The first questions, by hash, that have a right answer in each target's gallery."""
        chosen: dict[str, list[Question]] = {target: [] for target in targets}
        for question in self.pairs.questions(source, self.held_out, self.fitted):
            wanting = [t for t in targets if len(chosen[t]) < self.spec.max_queries]
            if not wanting:
                break
            for target in wanting:
                if self.galleries.of(target, space).holds_any(question.right):
                    chosen[target].append(question)
        return chosen

    def ranked(self, target: str, space: str, chosen: Sequence[Question]) -> Ranking:
        """What prepared questions find; what is right may be in no gallery of theirs."""
        made = np.stack([self.vectors.of(question, space) for question in chosen])
        lies_in, vectors = self.galleries.asked(target, space, made)
        for question, vector in zip(chosen, vectors, strict=True):
            self._asked[target.partition(":")[0], lies_in][question.content_id] = vector
        return rank(
            vectors,
            self.galleries.of(target, space),
            (question.relevant for question in chosen),
            self.galleries.without_own(target, space, chosen, vectors),
            depth=max(self.spec.depth, *self.spec.cutoffs, 10),
        )

    def _measured(
        self, name: str, target: str, gallery: int, chosen: Sequence[Question], ranking: Ranking
    ) -> Direction:
        scores = measures.per_query(ranking.hits, ranking.relevant, self.spec.cutoffs)
        return Direction(
            name=name,
            queries=len(chosen),
            gallery=gallery,
            means=measures.means(scores),
            median_rank=float(np.median(ranking.first)),
            chance=float(np.mean(ranking.relevant / ranking.sizes)),
            without_results=[
                question.content_id
                for question, found in zip(chosen, ranking.found, strict=True)
                if not len(found)
            ],
            worst=self.worst.of(chosen, ranking, target),
            by_mask=self._by_mask(target, ranking, scores),
        )

    def _by_mask(
        self, target: str, ranking: Ranking, scores: measures.Scores
    ) -> dict[str, dict[str, float]]:
        """Of fused vectors: the means over the queries whose right item has just these modalities.

        The right item is the query's own where that is in the gallery, else the first of those
        that share a caption with it. What it has is told with the query's own content.
        """
        if target != FUSED or self.galleries.fused is None:
            return {}
        right = [int(expected[0]) for expected in ranking.expected]
        masks = np.array(self.galleries.fused.masks(right))
        found = {}
        for mask in sorted(set(masks.tolist())):
            mine = masks == mask
            of = {name: values[mine] for name, values in scores.items()}
            found[mask] = {"queries": float(np.count_nonzero(mine)), **measures.means(of)}
        return found
