"""Samples of a query set, drawn by group, and the gate's rules over them.

Groups of queries that share a caption are drawn with replacement: a copy of a group is a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.gate_set import CUT, Ranked, Ranks, deepness, reciprocal, success
from mmcore.evaluation.gating.compare import compared
from mmcore.evaluation.gating.rules import GateSpec, Rules
from mmcore.evaluation.gating.significance import Differences, flipped
from mmcore.evaluation.outcomes import Outcome
from mmcore.types import Ids

FLIPS = 2000  # of a sample; the gate's default is 10,000
ALL = {"all": None, "all zh": "zh", "all en": "en"}

Chance = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Places of each direction's queries, drawn by group; copies of a group are groups."""

    places: tuple[Ranks, ...]
    copies: tuple[Ids, ...]  # the number of the draw each place came with: its group


@dataclass(frozen=True, slots=True, eq=False)
class Blocked:
    """By row: whether it is blocked, and whether the test alone would."""

    rows: NDArray[np.bool_]
    proven: NDArray[np.bool_]


class Sampled:
    """A set of which samples are drawn, and compared by the gate's rules.

    Rows are made here from arrays, as thousands of samples are: ``as_outcomes`` gives the same to
    the gate's own ``compared``, and a sample now and then is held against it.
    """

    def __init__(self, ranked: Sequence[Ranked], gate: GateSpec) -> None:
        self.ranked, self.gate = ranked, gate
        spoken = {None, *(one.language for one in ranked)}
        self.over = {name: language for name, language in ALL.items() if language in spoken}
        self.unique = np.unique(np.concatenate([one.groups for one in ranked]))
        contents = sorted({query for one in ranked for query in one.queries})
        number = {content: place for place, content in enumerate(contents)}
        self._contents = [np.array([number[q] for q in one.queries]) for one in ranked]
        self._count = len(contents)
        self._orders = [np.argsort(one.groups, kind="stable") for one in ranked]
        self._starts, self._sizes = [], []
        for one, order in zip(ranked, self._orders, strict=True):
            low, high = (
                np.searchsorted(one.groups[order], self.unique, side=side)
                for side in ("left", "right")
            )
            self._starts.append(low)
            self._sizes.append(high - low)
        self.limits = self._limits()

    def _limits(self) -> list[tuple[str, str, float, float]]:
        """Direction, measure, largest drop and alpha of each row, by the rules."""
        rules, found = Rules.of(self.gate), []
        names = [(one.name, f"Success@{CUT}") for one in self.ranked]
        for name, measure in [*names, *((name, "RR") for name in self.over)]:
            rule = rules.for_row("direction", (name,), measure)
            if rule is None or rule.max_drop is None:
                raise ValueError(f"the rules have none for {name} {measure}")
            found.append((name, measure, rule.max_drop, rule.alpha))
        return found

    def drawn(self, rng: Chance, queries: int, target: int) -> Drawn:
        """Groups with replacement, until direction number ``target`` has so many ``queries``."""
        picks = np.zeros(0, dtype=np.int64)
        while (have := np.cumsum(self._sizes[target][picks]))[-1:].sum() < queries:
            more = rng.integers(0, len(self.unique), len(self.unique))
            picks = np.concatenate([picks, more])
        return self._of(picks[: np.searchsorted(have, queries) + 1])

    def resampled(self, rng: Chance) -> Drawn:
        """As many groups as there are, with replacement."""
        return self._of(rng.integers(0, len(self.unique), len(self.unique)))

    def whole(self) -> Drawn:
        """Every group once."""
        return self._of(np.arange(len(self.unique)))

    def _of(self, picks: Ranks) -> Drawn:
        places, copies = [], []
        for order, starts, sizes in zip(self._orders, self._starts, self._sizes, strict=True):
            counts = sizes[picks]
            ends = np.cumsum(counts)
            within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
            places.append(order[np.repeat(starts[picks], counts) + within])
            copies.append(np.repeat(np.arange(len(picks)), counts))
        return Drawn(tuple(places), tuple(copies))

    def table(
        self, drawn: Drawn, before: Sequence[Ranks], after: Sequence[Ranks]
    ) -> tuple[Differences, Ids]:
        """(q, columns) before − after, and (q,) groups.

        Success@10 of each direction and RR over all, then the ranks of both: as the gate has them.
        """
        unique, mine = self._queries(drawn)
        width = len(self.limits)
        found = np.full((len(unique), 2 * width), np.nan)
        sums = np.zeros((len(unique), len(self.over), 3))
        for number, (rows, was, now) in enumerate(zip(mine, before, after, strict=True)):
            deeper = deepness(now) - deepness(was)
            found[rows, number] = success(was) - success(now)
            found[rows, width + number] = deeper
            for column, language in enumerate(self.over.values()):
                if language in (None, self.ranked[number].language):
                    sums[rows, column, 0] += 1
                    sums[rows, column, 1] += reciprocal(was) - reciprocal(now)
                    sums[rows, column, 2] += deeper
        asked = sums[..., 0] > 0
        for end, part in ((width, 1), (2 * width, 2)):
            found[:, end - len(self.over) : end][asked] = sums[asked, part] / sums[asked, 0]
        return found, self._groups(unique)

    def _queries(self, drawn: Drawn) -> tuple[Ids, list[Ranks]]:
        """All queries of a sample, each a content and a copy, and their places by direction."""
        pairs = zip(self._contents, drawn.places, drawn.copies, strict=True)
        keys = [copies * self._count + contents[places] for contents, places, copies in pairs]
        unique, place = np.unique(np.concatenate(keys), return_inverse=True)
        return unique, np.split(place, np.cumsum([len(key) for key in keys])[:-1])

    def _groups(self, unique: Ids) -> Ids:
        """(q,) numbered as the gate does, by the first query's name: equal flips, equal p."""
        copies, contents = np.divmod(unique, self._count)
        order = np.lexsort((copies, contents))
        _, first, groups = np.unique(copies[order], return_index=True, return_inverse=True)
        number = np.argsort(np.argsort(first))
        found = np.empty(len(unique), dtype=np.int64)
        found[order] = number[groups]
        return found

    def blocked(self, table: tuple[Differences, Ids], seed: int = 0) -> Blocked:
        """What the rules say of a table."""
        differences, groups = table
        tested = flipped(differences, groups, flips=self.gate.flips, seed=seed)
        width = len(self.limits)
        drops = np.nanmean(differences[:, :width], axis=0)
        adjusted = np.minimum(tested.adjusted[:width], tested.adjusted[width:])
        large = drops > np.array([limit for *_, limit, _ in self.limits])
        proven = adjusted < np.array([alpha for *_, alpha in self.limits])
        return Blocked(large & proven, proven)

    def as_outcomes(self, drawn: Drawn, ranks: Sequence[Ranks]) -> list[Outcome]:
        """One side of a sample as the gate is given it."""
        found = []
        for one, places, copies, first in zip(
            self.ranked, drawn.places, drawn.copies, ranks, strict=True
        ):
            pairs = zip(places.tolist(), copies.tolist(), strict=True)
            queries = tuple(f"{one.queries[place]}#{copy:06}" for place, copy in pairs)
            found.append(Ranked(one.name, queries, copies, one.language, first).outcome())
        return found

    def agrees(
        self,
        drawn: Drawn,
        before: Sequence[Ranks],
        after: Sequence[Ranks],
        blocked: NDArray[np.bool_],
    ) -> bool:
        """Whether the gate itself blocks the same rows of a sample."""
        one, other = (self.as_outcomes(drawn, ranks) for ranks in (before, after))
        rows = compared(one, other, self.gate, min_queries=1).rows
        theirs = {(row.direction, row.measure) for row in rows if row.action == "block"}
        mine = zip(self.limits, blocked, strict=True)
        return theirs == {(name, measure) for (name, measure, *_), is_ in mine if is_}


def interval(count: int, of: int) -> dict[str, float]:
    """The 95 % interval of a share (Clopper and Pearson)."""
    found = binomtest(count, of).proportion_ci(0.95)
    return {"low": round(float(found.low), 4), "high": round(float(found.high), 4)}
