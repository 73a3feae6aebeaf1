"""Two snapshots laid side by side: the same queries, the same groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mmcore.evaluation.gating.rules import Family
from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.types import Ids

ALL: Final = "all"
"""The subject of the mean over queries, each by the mean of its directions."""

INDEX: Final = "index:"

RANKS: Final = "ranks"
"""No measure, but what a fall is also proven by: the logarithm of the first right rank."""

DEEPEST: Final = 101
"""Ranks from here on are one."""

_BY_ITEM: Final = ("present→", "withheld→")  # asked by items: no queries that others share

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """One direction or index of both, by the same queries."""

    before: Outcome
    after: Outcome
    kept: Ids  # (q,) places in ``before``
    places: Ids  # (q,) in ``after``; -1: it was not asked there

    @property
    def name(self) -> str:
        """As rules and findings have it."""
        return self.before.label

    @property
    def is_index(self) -> bool:
        """Whether it is what an index gives back, and no direction."""
        return self.before.name.startswith(INDEX)

    @property
    def queries(self) -> list[tuple[str, str]]:
        """(q,) query set and query."""
        return [(self.before.set, self.before.queries[place]) for place in self.kept]

    def of_language(self, language: str | None) -> NDArray[np.bool_]:
        """Which queries are of it (q,); None: all are."""
        if language is None:
            return np.ones(len(self.kept), dtype=bool)
        told = [self.before.languages[place] == language for place in self.kept]
        return np.array(told, dtype=bool)

    def measures(self) -> list[str]:
        """Those that both have."""
        return [name for name in self.before.scores if name in self.after.scores]

    def values(self, measure: str) -> tuple[Values, Values]:
        """(q,) of both, more is better; what ``after`` could not ask is worst there."""
        if measure == RANKS:
            one, other = _ranks(self.before), _ranks(self.after)
            missing = -np.log(DEEPEST)
        else:
            one, other = self.before.scores[measure], self.after.scores[measure]
            missing = 0.0
        return one[self.kept], np.where(self.places < 0, missing, other[self.places])

    def means(self) -> dict[str, tuple[float, float]]:
        """Measure → means of both."""
        found = {name: self.values(name) for name in self.measures()}
        return {
            name: (float(np.mean(before)), float(np.mean(after)))
            for name, (before, after) in found.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What a rule may be about: a direction, an index, or all that the lake's queries ask."""

    name: str
    family: Family
    also: str  # the other name that rules know it by
    paired: tuple[Paired, ...]
    language: str | None = None  # only queries of it

    @property
    def parts(self) -> tuple[str, ...]:
        """The directions that have queries of it."""
        return tuple(one.name for one in self.paired if one.of_language(self.language).any())

    def measures(self) -> list[str]:
        """Those that any of its directions has."""
        return list(dict.fromkeys(name for one in self.paired for name in one.measures()))


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """All queries of a comparison, which every row is told by."""

    paired: tuple[Paired, ...]
    lost: tuple[str, ...]  # directions with enough queries that ``after`` cannot ask at all
    rows: dict[str, Ids]  # name → the place of each of its queries among all
    groups: Ids  # (q,) of all: those that share a group in either snapshot, in any direction

    @classmethod
    def of(cls, before: Sequence[Outcome], after: Sequence[Outcome], min_queries: int) -> Field:
        """Lay both side by side; directions with fewer queries are left out."""
        paired, lost = _pairs(before, after, max(1, min_queries))
        place: dict[tuple[str, str], int] = {}
        rows = {
            one.name: np.array(
                [place.setdefault(query, len(place)) for query in one.queries], dtype=np.int64
            )
            for one in paired
        }
        return cls(tuple(paired), lost, rows, _groups(paired, rows, len(place)))

    def subjects(self) -> Iterator[Subject]:
        """Each direction and index, then all directions, and those of queries of one language."""
        for one in self.paired:
            family: Family = "index" if one.is_index else "direction"
            yield Subject(one.name, family, one.before.name, (one,))
        shared = tuple(one for one in self.paired if _is_shared(one))
        for language in (None, "zh", "en") if shared else ():
            name = ALL if language is None else f"{ALL} {language}"
            yield Subject(name, "direction", name, shared, language)

    def column(self, subject: Subject, measure: str) -> tuple[Values, Values]:
        """(q,) of both for each query, by the mean of its directions; NaN: it was not asked."""
        sums = np.zeros((3, len(self.groups)))
        for one in subject.paired:
            if measure != RANKS and measure not in one.measures():
                continue
            rows, mine = self.rows[one.name], one.of_language(subject.language)
            for total, of in zip(sums, (np.ones(len(rows)), *one.values(measure)), strict=True):
                total[rows[mine]] += of[mine]  # a direction asks with a query once
        asked = np.where(sums[0] > 0, sums[0], np.nan)
        return sums[1] / asked, sums[2] / asked


def _pairs(
    before: Sequence[Outcome], after: Sequence[Outcome], fewest: int
) -> tuple[list[Paired], tuple[str, ...]]:
    """What ``after`` has, too; and the directions that it has not."""
    others = {outcome.label: outcome for outcome in after}
    paired, lost = list[Paired](), list[str]()
    for one in before:
        other = others.get(one.label)
        if len(one.queries) < fewest:
            continue
        if other is not None and other.queries:
            found = _pair(one, other)
            if len(found.kept) >= fewest:
                paired.append(found)
        elif not one.name.startswith(INDEX):  # an index of another space has another name
            lost.append(one.label)
    return paired, tuple(lost)


def _pair(one: Outcome, other: Outcome) -> Paired:
    """By the queries of ``one``; of an index by those of both, as it is asked what directions are.

    A query that ``other`` could not ask counts there: both hold what it is made of.
    """
    place = {query: number for number, query in enumerate(other.queries)}
    places = np.array([place.get(query, -1) for query in one.queries], dtype=np.int64)
    kept = np.arange(len(places), dtype=np.int64)
    if one.name.startswith(INDEX):
        kept = np.flatnonzero(places >= 0)
    return Paired(one, other, kept, places[kept])


def _ranks(outcome: Outcome) -> Values:
    """(q,) less the logarithm of the first right rank; none is as deep as the deepest."""
    first = outcome.ranking.first
    ranks = np.where((first < 1) | (first > DEEPEST), DEEPEST, first)
    found: Values = -np.log(ranks.astype(np.float64))
    return found


def _is_shared(one: Paired) -> bool:
    """Whether its queries are the lake's, which other directions ask with, too."""
    by_item = one.before.name.startswith(_BY_ITEM)
    return one.before.set == HELD_OUT and not by_item and not one.is_index


def _groups(paired: Sequence[Paired], rows: dict[str, Ids], count: int) -> Ids:
    """(q,) connected parts of the graph in which a query is joined to its groups.

    Groups are named by each snapshot: one that lost a caption has another than before.
    """
    edges = list[Ids]()
    nodes: dict[tuple[str, int], int] = {}
    for one in paired:
        asked = one.places >= 0
        for mine, of in (
            (rows[one.name], one.before.groups[one.kept]),
            (rows[one.name][asked], one.after.groups[one.places[asked]]),
        ):
            names, which = np.unique(of, return_inverse=True)
            known = [
                nodes.setdefault((one.before.set, name), count + len(nodes))
                for name in names.tolist()
            ]
            edges.append(np.stack([mine, np.array(known, dtype=np.int64)[which]]))
    size = count + len(nodes)
    ends = np.concatenate([np.zeros((2, 0), dtype=np.int64), *edges], axis=1)
    graph = coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(size, size))
    parts = connected_components(graph, directed=False)[1] if size else np.zeros(0)
    return np.asarray(parts[:count], dtype=np.int64)
