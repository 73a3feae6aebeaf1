"""Two snapshots on the queries that both have."""

import numpy as np
import pytest

from mmcore.evaluation.gating.compare import compared
from mmcore.evaluation.gating.rules import GateSpec
from tests.outcomes import outcome, scores

RULES = ("all* RR: max_drop=.01", "*->* Success@10: max_drop=.02")
SPEC = GateSpec(rules=RULES, flips=999)


def ranks(count=200, lost=0, gained=0):
    """Ranks 1; the first ``lost`` fall to 50, and ``gained`` others, which lay there, rise."""
    before, after = np.ones(count, dtype=np.int64), np.ones(count, dtype=np.int64)
    after[:lost] = 50
    before[lost : lost + gained] = 50
    return before, after


def both(name="text:en→image", lost=0, gained=0, spec=SPEC, **fields):
    """The comparison of one direction."""
    before, after = ranks(lost=lost, gained=gained)
    return compared(
        [outcome(name, before, **fields)],
        [outcome(name, after, **fields)],
        spec,
        min_queries=20,
    )


def row(found, direction, measure="Success@10"):
    """One row of a comparison."""
    (one,) = [r for r in found.rows if (r.direction, r.measure) == (direction, measure)]
    return one


def test_equal_snapshots_are_equal():
    """No drop, p 1, no action; the interval is a point."""
    found = both()

    assert {r.direction for r in found.rows} == {"text:en→image", "all", "all en"}
    for one in found.rows:
        assert (one.drop, one.low, one.high, one.p, one.adjusted, one.action) == (
            *(0, 0, 0),
            *(1, 1),
            "",
        )
    assert (found.lost, found.unproven) == ((), ())
    assert found.means["text:en→image"]["Success@10"] == (1, 1)


def test_a_large_and_proven_drop_is_blocked():
    """20 of 200 queries are not found any more: .1, far beyond chance."""
    one = row(both(lost=20), "text:en→image")

    assert (one.queries, one.groups, one.before, one.after) == (200, 200, 1.0, 0.9)
    assert one.drop == pytest.approx(0.1)
    assert one.low < 0.1 < one.high
    assert one.adjusted < 0.01
    assert (one.action, one.rule) == ("block", RULES[1])


def test_a_large_drop_that_may_be_chance_is_told_as_unproven():
    """32 lost and 26 found: .03 more than it may, with churn that explains it."""
    found = both(lost=32, gained=26)
    one = row(found, "text:en→image")

    assert one.drop == pytest.approx(0.03)
    assert one.adjusted > 0.01
    assert one.action == "warn"
    assert "text:en→image" in found.unproven


def test_a_proven_drop_that_is_small_is_told():
    """Three of 200 are lost and many others fall within the first ten: .015 is allowed."""
    before = outcome("a→b", np.ones(200))
    later = np.full(200, 5)
    later[:3] = 50
    found = compared([before], [outcome("a→b", later)], SPEC, min_queries=20)
    one = row(found, "a→b")

    assert one.drop == pytest.approx(0.015)
    assert one.adjusted < 0.01
    assert (one.action, found.unproven) == ("warn", ())


def test_ranks_prove_what_one_cutoff_cannot():
    """Six of 200 leave the first ten, of all others the ranks fall: proven by the ranks alone."""
    later = np.full(200, 5)
    later[:6] = 11
    found = compared([outcome("a→b", np.ones(200))], [outcome("a→b", later)], SPEC, min_queries=20)
    one = row(found, "a→b")

    assert one.drop == pytest.approx(0.03)
    assert one.p > 0.01  # 6 of 6 the same sign: 1 / 64
    assert one.adjusted < 0.01
    assert one.action == "block"


def test_ranks_that_fell_do_not_blame_a_measure_that_rose():
    """Success@10 is better: what the ranks prove is not about it."""
    before, later = np.full(200, 1), np.full(200, 9)
    before[:4], later[:4] = 50, 10
    found = compared([outcome("a→b", before)], [outcome("a→b", later)], SPEC, min_queries=20)

    assert row(found, "a→b").drop < 0
    assert row(found, "a→b").action == ""
    assert row(found, "all", "RR").action == "block"


def test_a_rule_may_only_warn():
    """The same drop with action=warn."""
    spec = GateSpec(rules=("*->* Success@10: max_drop=.02, action=warn",), flips=999)

    assert row(both(lost=20, spec=spec), "text:en→image").action == "warn"


def test_what_lies_below_its_least_value_is_blocked_without_a_test():
    """``min``, whatever it was before."""
    spec = GateSpec(rules=("*->* Success@10: min=.95",), flips=999)

    assert row(both(lost=20, spec=spec), "text:en→image").action == "block"
    assert row(both(lost=2, spec=spec), "text:en→image").action == ""


def test_a_rule_about_nothing_is_told(caplog):
    """A slip in a name, or a cutoff that is not measured; the default rules may be idle."""
    rules = ("text:zh->imge Success@10: max_drop=.02", "*->* Success@7: max_drop=.02", RULES[1])
    both(spec=GateSpec(rules=(*rules, "index:* recall@10: max_drop=0.02"), flips=99))

    said = [record.getMessage() for record in caplog.records]
    assert [any(rule in line for line in said) for rule in rules] == [True, True, False]
    assert len(said) == 2


def test_a_direction_that_cannot_be_asked_is_lost():
    """Not there, or without a query; one with too few queries before is none."""
    before = [outcome("a→b", np.ones(30)), outcome("a→c", np.ones(30)), outcome("a→d", [1, 1])]
    found = compared(before, [outcome("a→b", [])], SPEC, min_queries=20)

    assert found.lost == ("a→b", "a→c")
    assert found.rows == ()
    assert found.tested == 0


def test_a_query_that_can_no_longer_be_asked_counts_nothing_found():
    """20 of 200 have no vector any more: their scores are 0 in the candidate, 1 before."""
    before = outcome("a→b", np.ones(200))
    after = before.at(before.queries[20:])
    found = compared([before], [after], SPEC, min_queries=20)

    assert row(found, "a→b").drop == pytest.approx(0.1)
    assert row(found, "a→b").queries == 200


def test_only_queries_of_before_are_compared():
    """What is new in the candidate is in no mean."""
    after = outcome("a→b", np.concatenate([np.ones(100), np.zeros(100)]))
    found = compared([after.take(range(100))], [after], SPEC, min_queries=20)

    assert row(found, "a→b").queries == 100
    assert found.means["a→b"]["Success@10"] == (1, 1)


def test_a_query_counts_once_in_the_mean_of_all():
    """By the mean of its directions, however many it has; languages have their own rows."""
    languages = ("zh",) * 50 + ("en",) * 50
    before = [
        outcome("text→image", np.ones(100), languages=languages),
        outcome("text→audio", np.ones(100), languages=languages).take(range(50)),
    ]
    after = [before[0], outcome("text→audio", np.full(50, 2), languages=("zh",) * 50)]
    found = compared(before, after, SPEC, min_queries=20)

    assert row(found, "all zh", "RR").drop == pytest.approx(0.25)  # (0 + 1/2) / 2
    assert row(found, "all en", "RR").drop == 0
    assert row(found, "all", "RR").drop == pytest.approx(0.125)
    assert row(found, "all", "RR").queries == 100
    assert row(found, "all", "RR").action == "block"


def test_queries_that_share_a_caption_are_one_observation():
    """In either snapshot: twenty lost queries of one caption are one accident."""
    before, after = ranks(lost=20)
    groups = np.arange(200)
    groups[:20] = 0
    alone = outcome("a→b", before)
    for one, other in ((groups, np.arange(200)), (np.arange(200), groups)):
        found = compared(
            [outcome("a→b", before, groups=one)],
            [outcome("a→b", after, groups=other)],
            SPEC,
            min_queries=20,
        )
        assert row(found, "a→b").groups == 181
        assert row(found, "a→b").action == "warn"
    assert (
        row(compared([alone], [outcome("a→b", after)], SPEC, min_queries=20), "a→b").groups == 200
    )


def test_a_set_of_the_user_has_its_name_before_it():
    """It is no part of ``all``; rules for the bare direction hold for it, too."""
    found = both(set="mine", lost=20)

    assert [(r.direction, r.measure, r.action) for r in found.rows] == [
        ("mine/text:en→image", "Success@10", "block")
    ]


def test_indexes_are_rows_of_the_same_test():
    """By recall, over the queries that both were asked; another index is not lost."""
    spec = GateSpec(rules=("index:* recall@10: max_drop=.02",), flips=999)
    before = outcome("index:a/p1", np.ones(100), scores={"recall@10": np.ones(100)})
    worse = outcome("index:a/p1", np.ones(100), scores={"recall@10": np.full(100, 0.9)})
    found = compared([before], [worse.take(range(60))], spec, min_queries=20)

    assert (row(found, "index:a/p1", "recall@10").queries, found.tested) == (60, 1)
    assert row(found, "index:a/p1", "recall@10").action == "block"
    other = compared([before], [outcome("index:a/p2", [1], scores={})], spec, min_queries=20)
    assert (other.rows, other.lost) == ((), ())


@pytest.mark.slow
def test_false_blocks_are_as_rare_as_alpha():
    """100 pairs of snapshots that differ by chance alone, in 12 directions: at most 4 blocked."""
    random = np.random.default_rng(11)
    blocked = 0
    for seed in range(100):
        pairs = []
        for name in range(12):
            one, other = (np.exp(random.normal(1.5, 1.2, size=100)).astype(int) + 1 for _ in "ab")
            same = random.random(100) < 0.7
            pairs.append((f"a→{name}", one, np.where(same, one, other)))
        found = compared(
            [outcome(name, one, scores=scores(one)) for name, one, _ in pairs],
            [outcome(name, other, scores=scores(other)) for name, _, other in pairs],
            GateSpec(rules=RULES, flips=400, seed=seed),
            min_queries=20,
        )
        blocked += any(one.action == "block" for one in found.rows)

    assert blocked <= 4  # binomial(100, .01): more in less than 0.4 % of such tests
