"""Directions that can no longer be compared as they were: their contents or items changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.evaluation.gating.compare import Comparison
from mmcore.evaluation.gating.rules import Rule, Rules
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.scores import Finding

LEAST: Final = 0.8
"""If fewer of a direction's queries can be compared, it is told."""

Means = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """What the baseline scored, over all that it held, when it was evaluated by itself."""

    queries: Mapping[str, int]  # by direction; of a user's set with the set's name before it
    means: Mapping[str, Means]  # direction → measure → mean

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Scored:
        """As it was measured just now."""
        return cls(
            {one.label: len(one.queries) for one in outcomes},
            {one.label: one.means() for one in outcomes},
        )


def shrunk(
    before: Scored, comparison: Comparison, after: Sequence[Outcome], rules: Rules, fewest: int
) -> Iterator[Finding]:
    """Directions with a rule that had ``fewest`` queries, of which many are not compared.

    What cannot be compared may have become worse unseen; so it is told, with the means over all
    that each snapshot holds, which are no comparison. It blocks nothing: files are the user's to
    change. A direction that is ``lost`` is told of as such.
    """
    means = {one.label: one.means() for one in after}
    for name, of in before.queries.items():
        left = comparison.queries.get(name, 0)
        if of < fewest or name in comparison.lost or left >= max(fewest, LEAST * of):
            continue
        now = means.get(name, {})
        ruled = _ruled(name, before.means.get(name, {}), rules)
        if not ruled:
            continue
        measure = max(ruled, key=lambda one: before.means[name][one] - now.get(one, 0.0))
        yield Finding(
            kind="shrunk",
            subject=name,
            measure=measure,
            before=before.means[name][measure],
            after=now.get(measure),
            compared=left,
            of=of,
            rule=ruled[measure].text,
            action="warn",
            directions=[name],
        )


def _ruled(name: str, means: Means, rules: Rules) -> dict[str, Rule]:
    """The measures of a direction that have a rule, by which it would be compared."""
    known = name, name.rpartition("/")[2]
    found = {measure: rules.for_row("direction", known, measure) for measure in means}
    return {measure: rule for measure, rule in found.items() if rule is not None}
