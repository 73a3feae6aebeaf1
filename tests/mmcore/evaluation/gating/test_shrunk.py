"""Directions that are compared by much less than they were asked with."""

import numpy as np
import pytest

from mmcore.evaluation.gating.compare import compared
from mmcore.evaluation.gating.gate import judge
from mmcore.evaluation.gating.rules import GateSpec, Rules
from mmcore.evaluation.gating.shrunk import Scored, shrunk
from mmcore.evaluation.reporting.words import told
from tests.mmcore.evaluation.gating.test_gate import evidence
from tests.outcomes import outcome

NAME = "text:en→image"
SPEC = GateSpec(flips=99)


def found(of=100, left=40, *, spec=SPEC, name=NAME, after=True):
    """What is said where ``left`` of ``of`` queries are compared; min_queries is 20."""
    common = [outcome(name, np.ones(left))]
    both = compared(common, common if after else [], spec, min_queries=20)
    scored = Scored({name: of}, {name: {"RR": 0.5, "Success@10": 0.9}})
    full = [outcome(name, np.full(of, 4))] if after else []
    return list(shrunk(scored, both, full, Rules.of(spec), 20))


def test_a_direction_of_which_little_is_compared_is_warned_of():
    """With how much, and the means over all that each holds, in both languages."""
    (one,) = found()

    assert (one.kind, one.action, one.subject, one.directions) == ("shrunk", "warn", NAME, [NAME])
    assert (one.compared, one.of) == (40, 100)
    assert (one.measure, one.before, one.after) == ("Success@10", 0.9, 1)
    assert "40 of 100" in told(one).en
    assert "0.900" in told(one).en
    assert all(word in told(one).zh for word in ("100", "40", "0.900", "1.000"))


@pytest.mark.parametrize(
    ("of", "left", "said"),
    [(100, 80, 0), (100, 79, 1), (24, 20, 0), (24, 19, 1), (30, 0, 1), (19, 3, 0)],
)
def test_more_than_a_fifth_or_the_whole_row(of, left, said):
    """Also where too few are left to be compared; nothing of what never had enough."""
    assert len(found(of, left)) == said


def test_what_is_lost_is_not_told_twice():
    """The direction blocks as lost: that says it."""
    assert not found(left=40, after=False)


def test_a_direction_without_a_rule_is_not_told_of():
    """It would not be compared anyway."""
    assert not found(spec=GateSpec(rules=("index:* recall@10: max_drop=.02",)))


def test_a_direction_of_a_user_by_its_bare_name():
    """Rules know it by that, too."""
    spec = GateSpec(rules=(f"{NAME} RR: max_drop=.1",))

    assert [one.measure for one in found(spec=spec, name=f"shop/{NAME}")] == ["RR"]


def test_of_several_measures_the_one_that_fell_most():
    """RR fell from .5 to .25; Success@10 rose."""
    spec = GateSpec(rules=("*->* RR: max_drop=.1", "*->* Success@10: max_drop=.1"))
    (one,) = found(spec=spec)

    assert (one.measure, one.before, one.after) == ("RR", 0.5, 0.25)


def test_a_verdict_is_a_warning_at_least():
    """What is as good in all that could be compared is no pass; how many items changed is told."""
    common = [outcome(NAME, np.ones(40))]
    told_of = {
        "comparison": compared(common, common, SPEC, min_queries=20),
        "scored": Scored({NAME: 100}, {NAME: {"Success@10": 0.9}}),
        "min_queries": 20,
        "items": (390, 165),
    }
    verdict = judge(evidence(**told_of), SPEC)

    assert verdict.status == "warn"
    assert [one.kind for one in verdict.findings] == ["shrunk"]
    assert (verdict.items, verdict.items_changed) == (390, 165)
    assert judge(evidence(), SPEC).status == "pass"
