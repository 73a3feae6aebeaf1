"""Two snapshots on the queries that both have."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.gating.paired import INDEX, RANKS, Field, Subject, Values
from mmcore.evaluation.gating.rules import DEFAULT, GateSpec, Rule, Rules
from mmcore.evaluation.gating.significance import Tested, flipped, intervals
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.scores import Compared
from mmcore.types import Ids

log = logging.getLogger(__name__)

Pair = tuple[float, float]

SILENT: Final = 5
"""So many groups of queries that found something, in a direction where none does any more, are no
accident. No test says so: corrected for all rows, it takes a dozen groups to be proven."""

SPOKE: Final = 1 / 3
"""And so large a share of its queries. Where less is found, a small direction is near chance, and
may find nothing in one night of a hundred if all its answers are others."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what could not be."""

    rows: tuple[Compared, ...]
    lost: tuple[str, ...]  # directions with enough common queries that ``after`` cannot ask
    unproven: tuple[str, ...]
    tested: int
    means: Mapping[str, Mapping[str, Pair]] = field(default_factory=lambda: MappingProxyType({}))
    """Direction or index → measure → means of both over its common queries."""
    queries: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Direction → queries of ``before`` over what both hold, few ones too."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """``all``, ``all zh``, ``all en`` → the directions that are part of it."""


@dataclass(frozen=True, slots=True)
class Below:
    """A mean that is less than the ``min`` of its rule."""

    name: str
    measure: str
    mean: float
    rule: Rule
    directions: tuple[str, ...]  # those it is a mean of, the lowest first


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """What one rule is about: a value of both for each query, NaN where it was not asked."""

    name: str
    measure: str
    rule: Rule
    before: Values
    after: Values
    ranks: int | None  # which of the columns of ranks is about the same queries

    @property
    def asked(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.before)


def compared(
    before: Sequence[Outcome], after: Sequence[Outcome], spec: GateSpec, *, min_queries: int
) -> Comparison:
    """Compare direction by direction; both were scored over what both hold.

    A query of ``before`` that ``after`` could not ask counts 0 in it: both hold what it is made
    of. Directions, ``all`` (and by language) and indexes with a rule are the rows of one test.
    Beside the measure of its rule, which says how much a direction fell, the ranks of its first
    right answers are a row of the test: that it fell at all is proven by either. A query that goes
    from rank 3 to 9 is no less found at 10, and tells as much. Served directions are not to be
    given: the same loss would count twice.
    """
    asked = Field.of(before, after, min_queries)
    rules = Rules.of(spec)
    rows, ranks = _rows(asked, rules, max(1, min_queries))
    _warn_of_idle(rules, rows)
    found = tuple(_tested(rows, ranks, asked, spec)) if rows else ()
    both = list(zip(found, rows, strict=True))
    return Comparison(
        rows=found,
        lost=asked.lost,
        unproven=tuple(one.direction for one, row in both if _unproven(one, row.rule)),
        tested=len(rows) + len(ranks),
        means={one.name: one.means() for one in asked.paired},
        queries={one.label: len(one.queries) for one in before},
        parts={one.name: one.parts for one in asked.subjects() if one.name not in asked.rows},
    )


def floors(outcomes: Sequence[Outcome], spec: GateSpec, *, min_queries: int) -> Iterator[Below]:
    """What lies below the ``min`` of its rule, whatever it was before; directions as served, not.

    ``all`` is here, as where two are compared, the mean over queries of the means of directions.
    """
    rules = Rules.of(spec)
    if all(rule.least is None for rule in rules.each):
        return
    exact = [one for one in outcomes if one.kind == "exact" or one.name.startswith(INDEX)]
    asked, fewest = Field.of(exact, exact, min_queries), max(1, min_queries)
    for subject in asked.subjects():
        for row in _ruled(asked, subject, rules, 0):
            values = row.after[row.asked]
            if row.rule.least is None or len(values) < fewest:
                continue
            if (mean := float(np.mean(values))) < row.rule.least:
                yield Below(row.name, row.measure, mean, row.rule, _lowest(subject, row.measure))


def _lowest(subject: Subject, measure: str) -> tuple[str, ...]:
    """The directions of a subject that have the measure, the lowest first."""
    found = {}
    for one in subject.paired:
        mine = one.of_language(subject.language)
        if measure in one.measures() and mine.any():
            found[one.name] = float(np.mean(one.values(measure)[1][mine]))
    return tuple(sorted(found, key=lambda name: found[name]))


def _warn_of_idle(rules: Rules, rows: Sequence[_Row]) -> None:
    """Say which rules of the user are about nothing: a slip in one would go unseen."""
    busy = {row.rule.text for row in rows}
    for rule in rules.each:
        if rule.family in ("direction", "index") and rule.text not in {*busy, *DEFAULT}:
            log.warning("the rule %r is about nothing that both were asked", rule.text)


def _rows(asked: Field, rules: Rules, fewest: int) -> tuple[list[_Row], list[Values]]:
    """Those with a rule, and (q,) how much further up the first right ranks were, per subject."""
    rows, ranks = list[_Row](), list[Values]()
    for subject in asked.subjects():
        mine = list(_ruled(asked, subject, rules, len(ranks)))
        if mine and np.count_nonzero(mine[0].asked) >= fewest:
            rows += mine
            if subject.family == "direction":
                before, after = asked.column(subject, RANKS)
                ranks.append(before - after)
    return rows, ranks


def _ruled(asked: Field, subject: Subject, rules: Rules, ranks: int) -> Iterator[_Row]:
    place = ranks if subject.family == "direction" else None
    for measure in subject.measures():
        rule = rules.for_row(subject.family, (subject.name, subject.also), measure)
        if rule is not None:
            both = asked.column(subject, measure)
            yield _Row(subject.name, measure, rule, *both, place)


def _tested(
    rows: Sequence[_Row], ranks: Sequence[Values], asked: Field, spec: GateSpec
) -> Iterator[Compared]:
    columns = np.stack([*(row.before - row.after for row in rows), *ranks], axis=1)
    tested = flipped(columns, asked.groups, flips=spec.flips, seed=spec.seed)
    ends = intervals(columns[:, : len(rows)], asked.groups, seed=spec.seed)
    for place, row in enumerate(rows):
        mine = row.asked
        before, after = float(np.mean(row.before[mine])), float(np.mean(row.after[mine]))
        by = _proved_by(tested, place, row, len(rows))
        found = Compared(
            direction=row.name,
            measure=row.measure,
            queries=int(np.count_nonzero(mine)),
            groups=len(np.unique(asked.groups[mine])),
            before=before,
            after=after,
            drop=before - after,
            low=float(ends[place, 0]),
            high=float(ends[place, 1]),
            p=float(tested.p[by]),
            adjusted=float(tested.adjusted[by]),
            proved_by="measure" if by == place else "ranks",
            silent=_silent(row, asked.groups),
            rule=row.rule.text,
            action="",
        )
        yield _judged(found, row.rule)


def _proved_by(tested: Tested, place: int, row: _Row, rows: int) -> int:
    """The column that says more, of the measure and of the ranks: both are in one correction."""
    if row.ranks is None:
        return place
    ranks = rows + row.ranks
    return ranks if tested.adjusted[ranks] < tested.adjusted[place] else place


def _silent(row: _Row, groups: Ids) -> int:
    """How many groups found something before, where none finds anything now; else 0.

    0 also where few queries found anything.
    """
    found = row.asked & (row.before > 0)
    if np.any(row.after[row.asked] > 0) or found.sum() < SPOKE * row.asked.sum():
        return 0
    return len(np.unique(groups[found]))


def _judged(row: Compared, rule: Rule) -> Compared:
    """With what comes of it: both large and proven is blocked, one of the two is told.

    A direction that finds nothing any more of what it found is proven by that.
    """
    large = _large(row, rule)
    proven = row.drop > 0 and (row.adjusted < rule.alpha or is_silent(row))
    if (large and proven) or (rule.least is not None and row.after < rule.least):
        return row.model_copy(update={"action": rule.action})
    told = rule.max_drop is not None and (large or proven)
    return row.model_copy(update={"action": "warn"}) if told else row


def is_silent(row: Compared) -> bool:
    """Whether it finds nothing of what enough groups found before; no index, which has a floor."""
    return row.silent >= SILENT and not row.direction.startswith(INDEX)


def _unproven(row: Compared, rule: Rule) -> bool:
    """Whether it fell by more than it may, by chance perhaps."""
    return _large(row, rule) and row.adjusted >= rule.alpha and not is_silent(row)


def _large(row: Compared, rule: Rule) -> bool:
    return rule.max_drop is not None and row.drop > rule.max_drop
