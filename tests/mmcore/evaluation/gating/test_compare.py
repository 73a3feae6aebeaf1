"""Two snapshots on the queries that both have."""

import numpy as np
import pytest

from mmcore.evaluation.gating.compare import compared
from mmcore.evaluation.gating.paired import RANKS, Field
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
    assert one.proved_by == "ranks"
    assert one.p <= one.adjusted < 0.01  # of the measure it is 1 / 64: 6 of 6 have one sign
    assert one.action == "block"


def test_what_proves_a_fall_is_told():
    """Ten of 200 lost and all else as before: the measure falls alone as clearly as the ranks."""
    one = row(both(lost=10), "text:en→image")

    assert one.proved_by == "measure"
    assert one.p <= one.adjusted < 0.01


def small(count, before, after, groups=None, others=1, **fields):
    """A direction of ``count`` queries beside large ones, in each of which a tenth changes."""
    random, pairs = np.random.default_rng(3), []
    for name in range(others):
        one, other = random.integers(1, 30, size=(2, 400))
        pairs.append((f"a→{name}", one, np.where(random.random(400) < 0.9, one, other)))
    queries = tuple(f"s{number:03}" for number in range(count))
    own = np.arange(count) if groups is None else np.asarray(groups)
    told = {"queries": queries, "groups": own + 1000, **fields}
    return compared(
        [*(outcome(name, one) for name, one, _ in pairs), outcome("b→c", before, **told)],
        [*(outcome(name, other) for name, _, other in pairs), outcome("b→c", after, **told)],
        GateSpec(rules=RULES, flips=2000),
        min_queries=20,
    )


@pytest.mark.parametrize("groups", [5, 7])
def test_a_small_direction_that_finds_nothing_any_more_is_blocked(groups):
    """In so few groups no fall can be proven among all rows; that nothing is left is enough."""
    found = small(22, [1] * 22, [0] * 22, np.arange(22) % groups)
    one = row(found, "b→c")

    assert (one.groups, one.silent, one.after) == (groups, groups, 0)
    assert one.adjusted > 0.01
    assert one.action == "block"
    assert "b→c" not in found.unproven


@pytest.mark.parametrize(
    ("before", "after", "groups"),
    [
        ([1] * 22, [0] * 22, np.arange(22) % 4),  # four groups of queries: one accident, perhaps
        ([1] * 22, [5] + [0] * 21, np.arange(22) % 6),  # one is found still
        ([1] * 5 + [0] * 17, [0] * 22, None),  # near chance: few were found before
    ],
)
def test_what_may_be_chance_is_told_all_the_same(before, after, groups):
    """Too few groups, something left, or little that was found before: a warning."""
    found = small(22, before, after, groups)

    assert row(found, "b→c").silent < 5
    assert row(found, "b→c").action == "warn"
    assert "b→c" in found.unproven


@pytest.mark.slow
def test_directions_near_chance_fall_silent_rarely():
    """Ten small ones, all answers of which are others each time: a block in 3 of 100 at most."""
    random, blocked = np.random.default_rng(5), 0
    for seed in range(100):
        pairs = [
            (f"a→{n}", *random.choice([1, 50], p=[0.2, 0.8], size=(2, 20))) for n in range(10)
        ]
        found = compared(
            [outcome(name, one) for name, one, _ in pairs],
            [outcome(name, other) for name, _, other in pairs],
            GateSpec(rules=RULES[1:], flips=300, seed=seed),
            min_queries=20,
        )
        blocked += any(one.action == "block" for one in found.rows)

    assert blocked <= 4  # binomial(100, .02): more in less than 6 % of such tests


def test_a_drop_of_what_is_allowed_is_not_large():
    """A quarter may be lost, and is: proven, but no more than it may."""
    spec = GateSpec(rules=("*->* Success@10: max_drop=.25",), flips=999)
    one = row(both(lost=50, spec=spec), "text:en→image")

    assert one.drop == 0.25
    assert one.adjusted < 0.01
    assert one.action == "warn"
    assert row(both(lost=51, spec=spec), "text:en→image").action == "block"


def test_a_query_that_cannot_be_asked_has_the_worst_rank():
    """As one whose right answer is nowhere: 101, and not the first."""
    before = outcome("a→b", np.ones(40))
    laid = Field.of([before], [before.at(before.queries[30:])], 20)
    subject = next(laid.subjects())
    one, other = laid.column(subject, RANKS)

    assert one.tolist() == [0] * 40
    assert other == pytest.approx([-np.log(101)] * 30 + [0] * 10)


def test_groups_of_one_set_are_no_groups_of_another():
    """Their numbers are items in one, and anything in another: equal ones join nothing."""
    lake = outcome("a→b", np.ones(40))
    mine = {"set": "mine", "groups": np.zeros(40, dtype=np.int64)}
    one, other = outcome("c→d", np.ones(40), **mine), outcome("c→d", np.ones(40), set="mine")
    found = compared([lake, one], [lake, other], SPEC, min_queries=20)

    assert row(found, "mine/c→d").groups == 1
    assert row(found, "a→b").groups == 40


def test_the_parts_of_a_mean_are_told():
    """A picture that asks is no part of what Chinese texts found."""
    zh = outcome("text:zh→image", np.ones(40), languages=("zh",) * 40)
    others = tuple(f"p{n}" for n in range(40))
    picture = outcome("image→text:zh", np.ones(40), languages=(None,) * 40, queries=others)
    found = compared([zh, picture], [zh, picture], SPEC, min_queries=20)

    assert found.parts == {
        "all": ("text:zh→image", "image→text:zh"),
        "all zh": ("text:zh→image",),
        "all en": (),
    }


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
