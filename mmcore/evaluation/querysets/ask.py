"""Ask the query sets of a user's: whole galleries, nothing hidden, as a search would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench, items_within
from mmcore.evaluation.measures import Grades
from mmcore.evaluation.outcomes import Measured, Outcome
from mmcore.evaluation.querysets.grouped import groups_of
from mmcore.evaluation.querysets.pairs import pair_outcomes
from mmcore.evaluation.querysets.vectors import UserQuery, UserVectors
from mmcore.evaluation.ranking import Overrides, Ranking, Within, rank, rank_both
from mmcore.evaluation.scores import Unscored
from mmcore.types import Ids
from storage.querysets import QuerySet, QuerySetCard, read_set

Right = Mapping[int, int]
"""Item → grade, from 1."""

NOTHING_HIDDEN: Final = Overrides.of((), (), ())


def user_outcomes(bench: Bench, sets: Sequence[QuerySetCard]) -> Iterator[Measured | Unscored]:
    """Ask every set for all that the lake has in a space that its queries can be asked in.

    Judged items that a snapshot does not have are no answers there. Within the world of the
    bench's terms, right are judged items that both snapshots hold, with all that each has of them,
    whether it was embedded or not. A file that no vector can be made of finds nothing.
    CorruptLakeError for a set that is not as imported.
    """
    for card in sets:
        found = read_set(bench.vectors.snapshot.layout, card.name)
        vectors = UserVectors(bench.vectors, card.name)
        if card.kind == "pairs":
            yield from pair_outcomes(bench, found, vectors)
        else:
            yield from judged_outcomes(bench, found, vectors)


def judged_outcomes(
    bench: Bench, of: QuerySet, vectors: UserVectors
) -> Iterator[Measured | Unscored]:
    """A set of judgements, one direction after another."""
    for way in ways(bench, of):
        yield way.measured(vectors)


def ways(bench: Bench, of: QuerySet) -> Iterator[Way]:
    """The directions in which a set of judgements can be asked."""
    sides = _sides(of)
    for source in sorted(sides):
        for target in bench.targets:
            if (space := bench.common(source, target)) is not None:
                name = f"{source}→{target}"
                yield Way(bench, of.card.name, sides[source], name, target, space)


@dataclass(frozen=True, slots=True)
class Judged:
    """A query, and what is right for it."""

    query: UserQuery
    right: Right


def _sides(of: QuerySet) -> dict[str, list[Judged]]:
    """The queries of each side, by their ids."""
    grades: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in of.qrels.to_pylist():
        if row["grade"] > 0:
            grades[row["query_id"]][row["item_id"]] = row["grade"]
    sides: defaultdict[str, list[Judged]] = defaultdict(list)
    for query in sorted(map(UserQuery.of, of.queries.to_pylist()), key=lambda q: q.query_id):
        sides[query.side].append(Judged(query, grades[query.query_id]))
    return sides


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of one set."""

    bench: Bench
    set: str
    judged: Sequence[Judged]
    name: str
    target: str
    space: str

    @property
    def label(self) -> str:
        """As outcomes name it."""
        return f"{self.set}/{self.name}"

    def measured(self, vectors: UserVectors) -> Measured | Unscored:
        """In all that the snapshot has, and in what both have."""
        bench, world = self.bench, self.bench.terms.world
        gallery, full = bench.galleries.of(self.target, self.space), self.here()
        if (enough := sum(map(bool, full))) < bench.spec.min_queries:
            return Unscored(name=self.label, queries=enough)
        common = None if world is None else self._held(world.answers(self._every(), self.target))
        whole, within = self._rankings(vectors, full, common)
        measured = self._outcome(full, whole, len(gallery.item_ids))
        if common is None or within is None:
            return Measured(measured)
        size = np.count_nonzero(items_within(gallery, bench.item_mask(self.target, self.space)))
        return Measured(measured, self._outcome(common, within, int(size)))

    def here(self) -> list[Right]:
        """What the snapshot has of what is right for each query."""
        every = self._every()
        gallery = self.bench.galleries.of(self.target, self.space)
        return self._held(every[np.isin(every, gallery.item_ids)])

    def _every(self) -> Ids:
        return items_of({item: 1 for one in self.judged for item in one.right})

    def _held(self, items: Ids) -> list[Right]:
        """What of ``items`` is right for each query."""
        here = set(items.tolist())
        return [{i: grade for i, grade in one.right.items() if i in here} for one in self.judged]

    def _rankings(
        self, vectors: UserVectors, full: Sequence[Right], common: Sequence[Right] | None
    ) -> tuple[Ranking, Ranking | None]:
        """Of all queries, in their order; one without a vector finds nothing."""
        made = vectors.of([one.query for one in self.judged], self.space)
        asked = [place for place, vector in enumerate(made) if vector is not None]
        lost = [place for place, vector in enumerate(made) if vector is None]
        order = np.argsort([*asked, *lost]).tolist()
        gallery, depth = self.bench.galleries.of(self.target, self.space), self.bench.depth
        rows = np.stack([vector for vector in made if vector is not None]) if asked else None
        if rows is None:
            rows = np.zeros((0, gallery.vectors.shape[1]), dtype=np.float32)
        else:
            _, rows = self.bench.galleries.asked(self.target, self.space, rows)
        right = [items_of(full[place]) for place in asked]
        none = Ranking.of_none(items_of(full[place]) for place in lost)
        if common is None:
            found = rank(rows, gallery, right, NOTHING_HIDDEN, depth=depth)
            return (found + none).take(order), None
        mask = self.bench.item_mask(self.target, self.space)
        part = Within(mask, [items_of(common[place]) for place in asked])
        found, within = rank_both(rows, gallery, right, NOTHING_HIDDEN, part, depth=depth)
        nothing = Ranking.of_none(items_of(common[place]) for place in lost)
        return (found + none).take(order), (within + nothing).take(order)

    def _outcome(self, right: Sequence[Right], ranking: Ranking, gallery: int) -> Outcome:
        """Of the queries that have anything right."""
        places = [place for place, of in enumerate(right) if of]
        ranking, answers = ranking.take(places), [right[place] for place in places]
        queries = [self.judged[place].query for place in places]
        first = [min(of) for of in answers]
        return Outcome(
            set=self.set,
            name=self.name,
            queries=tuple(query.query_id for query in queries),
            groups=groups_of(answers),
            categories=self.bench.labels.first(first),
            languages=tuple(query.language for query in queries),
            masks=(None,) * len(queries),
            gallery=gallery,
            kind="exact",
            scores=measures.per_query(
                ranking.hits,
                ranking.relevant,
                self.bench.spec.cutoffs,
                self.bench.depth,
                grades_of(ranking, answers),
            ),
            ranking=ranking,
            top=self.bench.tops(ranking),
        )


def items_of(right: Right) -> Ids:
    """Its items, sorted."""
    return np.array(sorted(right), dtype=np.int64)


def grades_of(ranking: Ranking, right: Sequence[Right]) -> Grades | None:
    """How right what is relevant is; None where all is alike."""
    if all(grade == 1 for of in right for grade in of.values()):
        return None
    found = [
        np.array([of[int(item)] for item in found[hits - 1]], dtype=np.int64)
        for of, found, hits in zip(right, ranking.found, ranking.hits, strict=True)
    ]
    return Grades(found, [np.array(sorted(of.values()), dtype=np.int64) for of in right])
