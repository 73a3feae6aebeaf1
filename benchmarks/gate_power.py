"""Which drops the gate catches, on a lake's own query set.

A drop is planted in one direction; in all others as many queries change, one way as often as the
other, so that the correction for many rows costs what it does in a lake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate_sample import FLIPS, Chance, Drawn, Sampled, interval
from benchmarks.gate_set import Asked, Ranked, Ranks, success
from mmcore.evaluation.gating.rules import GateSpec

DROPS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.10)
CHURNS = (0.0, 0.05, 0.10, 0.20)
REALISATIONS = 8  # of noise, of which each query of a draw has one
CHECKED = 2  # draws of a point that the gate itself judges, too

Change = Callable[[Ranked, Ranks, Chance], tuple[Ranks, Ranks]]
"""A direction and the places that are asked → ranks before and after."""


def planted(drop: float, churn: float) -> Change:
    """Losses and gains by chance: ``drop`` of Success@10 more losses than gains.

    ``churn`` is the share of queries that change; with less than ``drop`` there are only losses.
    A query that loses gets the rank of one that has not found anything, and the other way round.
    """

    def change(one: Ranked, places: Ranks, rng: Chance) -> tuple[Ranks, Ranks]:
        before = one.first[places]
        hits = success(before) > 0
        lost, won = max(drop, (churn + drop) / 2), max(0.0, (churn - drop) / 2)
        share = np.where(
            hits, lost / max(hits.mean(), 1e-9), won / max(1 - hits.mean(), 1e-9)
        )  # of those that can lose, or gain
        turned = rng.random(len(before)) < share
        after = before.copy()
        for was, else_ in ((True, 0), (False, 1)):
            mine = turned & (hits == was)
            others = before[hits != was]
            new = others if len(others) else np.array([else_])
            after[mine] = rng.choice(new, np.count_nonzero(mine))
        return before, after

    return change


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Ranks of all directions with noise in the queries, several times each."""

    ranks: dict[str, NDArray[np.int64]]  # direction → (realisations, q)

    @classmethod
    def of(cls, asked: Sequence[Asked], sigma: float, times: int, seed: int) -> Noise:
        """Rank everything ``times`` over, each time with other noise."""
        rng = np.random.default_rng(seed)
        return cls(
            {
                one.name: np.stack([one.ranks(one.noisy(sigma, rng)) for _ in range(times)])
                for one in asked
            }
        )

    def fallen(self, one: Ranked, places: Ranks, rng: Chance) -> tuple[Ranks, Ranks]:
        """As it is, and with noise."""
        which = rng.integers(0, len(self.ranks[one.name]), len(places))
        return one.first[places], self.ranks[one.name][which, places]

    def changed(self, one: Ranked, places: Ranks, rng: Chance) -> tuple[Ranks, Ranks]:
        """With one noise, and with another: no better and no worse."""
        ranks = self.ranks[one.name]
        which = rng.integers(0, len(ranks), len(places))
        other = (which + rng.integers(1, len(ranks), len(places))) % len(ranks)
        return ranks[which, places], ranks[other, places]


def sigma_for(asked: Asked, drop: float, seed: int = 0) -> float:
    """How much noise takes ``drop`` of a direction's Success@10, by bisection."""
    clean = success(asked.ranks()).mean()
    low, high = 0.0, 4.0
    for _ in range(12):
        middle = (low + high) / 2
        rng = np.random.default_rng(seed)
        ranks = [asked.ranks(asked.noisy(middle, rng)) for _ in range(REALISATIONS)]
        fell = clean - np.mean([success(rank).mean() for rank in ranks])
        low, high = (low, middle) if fell > drop else (middle, high)
    return (low + high) / 2


@dataclass(frozen=True, slots=True)
class Point:
    """One plant: what becomes of the direction that falls, and of the others."""

    plant: str
    drop: float
    falls: Change
    others: Change


def points(asked: Sequence[Asked], target: int, drops: Sequence[float]) -> Iterator[Point]:
    """Every way a drop is planted, for each drop."""
    for drop in drops:
        for churn in CHURNS:
            name = "losses alone" if not churn else f"{churn:.0%} of queries change"
            if drop <= churn or not churn:
                yield Point(name, drop, planted(drop, churn), planted(0.0, churn))
        noise = Noise.of(asked, sigma_for(asked[target], drop), REALISATIONS, seed=1)
        yield Point("noise in the queries", drop, noise.fallen, noise.changed)


def power(
    asked: Sequence[Asked], name: str, *, draws: int, queries: int, drops: Sequence[float] = DROPS
) -> Iterator[dict[str, Any]]:
    """How often a drop of ``name`` is blocked, for each plant and drop, on so many queries."""
    sampled = Sampled([one.ranked() for one in asked], GateSpec(flips=FLIPS))
    target = [one.name for one in asked].index(name)
    for point in points(asked, target, drops):
        yield _caught(sampled, target, point, draws, queries)


def _caught(
    sampled: Sampled, target: int, point: Point, draws: int, queries: int
) -> dict[str, Any]:
    caught, elsewhere, changed, agrees = 0, 0, 0.0, True
    for draw in range(draws):
        rng = np.random.default_rng([draw, round(point.drop * 1000)])
        drawn = sampled.drawn(rng, queries, target)
        before, after = sides(sampled.ranked, drawn, target, point, rng)
        blocked = sampled.blocked(sampled.table(drawn, before, after)).rows
        caught += bool(blocked[target])
        elsewhere += bool(np.delete(blocked[: len(sampled.ranked)], target).any())
        changed += float(np.mean(success(before[target]) != success(after[target])))
        if draw < CHECKED:
            agrees &= sampled.agrees(drawn, before, after, blocked)
    return {
        "plant": point.plant,
        "drop": point.drop,
        "caught": caught,
        "of": draws,
        "share": round(caught / draws, 3),
        **interval(caught, draws),
        "changed": round(changed / draws, 3),
        "another direction": elsewhere,
        "as compared()": agrees,
    }


def sides(
    ranked: Sequence[Ranked], drawn: Drawn, target: int, point: Point, rng: Chance
) -> tuple[list[Ranks], list[Ranks]]:
    """Ranks of every direction before and after, the drop in the one."""
    before, after = list[Ranks](), list[Ranks]()
    for number, (one, places) in enumerate(zip(ranked, drawn.places, strict=True)):
        change = point.falls if number == target else point.others
        was, now = change(one, places, rng)
        before.append(was)
        after.append(now)
    return before, after
