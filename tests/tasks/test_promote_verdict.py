"""Whether a candidate may serve."""

from dataclasses import replace

import pytest

from mmcore.evaluation.gating.compare import Comparison
from mmcore.evaluation.gating.gate import failed
from mmcore.evaluation.scores import Finding, GateVerdict
from mmcore.media.reasons import LANGUAGES
from tasks.promote_verdict import TOLD, Remembered, VerdictSpec, remembered, verdict


def scores(**rr):
    """Means of the measure that decides, and of one that does not."""
    return {name: {"RR": value, "Success@1": 1 - value} for name, value in rr.items()}


def comparison(before, after):
    """As of two snapshots with such means over the same queries."""
    means = {
        name: {m: (of[m], after[name][m]) for m in of}
        for name, of in before.items()
        if name in after
    }
    lost = tuple(name for name in before if name not in after)
    return Comparison((), lost, (), 0, means)


def judged(before, after, *more):
    """The verdict over such means."""
    return verdict(comparison(before, after), *more)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (scores(a=0.5, b=0.3), scores(a=0.3, b=0.5), "equal"),
        (scores(a=0.5, b=0.3), scores(a=0.4, b=0.5), ""),
        (scores(a=0.5, b=0.3), scores(a=0.5, b=0.2999999), "worse"),
        (scores(a=0.5), scores(a=0.6, b=0.0), ""),  # a new direction is no loss
        (scores(a=0.5, b=0.3), scores(a=0.9), "lost"),
        (scores(a=0.5), scores(b=0.9), "unmeasured"),
        ({}, scores(a=0.9), "unmeasured"),
        (scores(a=0.5), {}, "unmeasured"),
        ({"a": {"R@1": 0.5}}, {"a": {"R@1": 0.9}}, "unmeasured"),
    ],
)
def test_a_candidate_must_retrieve_better(before, after, why):
    """By the mean reciprocal rank over the directions that both have."""
    found = judged(before, after)

    assert (found.why, found.passed) == (why, not why)
    assert bool(found.reason) == bool(why)


def test_captions_among_themselves_do_not_outvote_what_leads_across_media():
    """The mean of all rises from .4 to .5, pictures by texts fall from .3 to .2."""
    across = {"text:en→image": 0.3, "text:en→text:zh": 0.5, "text:en→fused": 0.4}
    found = judged(
        scores(**across), scores(**{**across, "text:en→text:zh": 0.9, "text:en→image": 0.2})
    )

    assert found.why == "across"
    assert found.across == (pytest.approx(0.3), pytest.approx(0.2))


def test_only_what_both_have_is_compared():
    """A direction that is new counts for neither."""
    found = judged(scores(a=0.5, b=0.3), scores(a=0.4, b=0.6, c=0.0))

    assert found.directions == ("a", "b")
    assert (found.before, found.after) == (pytest.approx(0.4), pytest.approx(0.5))


@pytest.mark.parametrize(
    ("after", "most", "why"),
    [
        ((0.18, 0.99), 0.02, "forgets"),
        ((0.93, 0.99), 0.02, "forgets"),  # the mean falls by .03
        ((0.97, 0.99), 0.02, ""),  # by .01
        ((0.18, 0.99), 1.0, ""),
        ((1.0, 1.0), 0.0, ""),
    ],
)
def test_what_was_learned_may_not_be_forgotten(after, most, why):
    """The mean over known directions may fall by so much; held-out means do not count it."""
    known = {
        "text:en→image": Remembered(100, 0.99, after[0]),
        "text:zh→image": Remembered(100, 0.99, after[1]),
    }
    found = judged(scores(a=0.5), scores(a=0.6), known, VerdictSpec(max_forgotten=most))

    assert (found.why, found.passed) == (why, not why)
    assert (found.before, found.after, found.directions) == (0.5, 0.6, ("a",))
    assert found.known_before == pytest.approx(0.99)
    assert found.known_after == pytest.approx(sum(after) / 2)
    assert bool(found.reason) == bool(why)


def test_known_captions_are_those_that_both_were_asked_with():
    """Means over these, if there are enough; a direction that one alone has is left out."""
    before = {"text:en→image": {"a": 1.0, "b": 0.5, "c": 0.1}, "text:en→audio": {"a": 1.0}}
    after = {"text:en→image": {"b": 0.25, "a": 1.0, "d": 0.1}, "text:en→fused": {"a": 1.0}}

    assert remembered(before, after, 2) == {"text:en→image": Remembered(2, 0.75, 0.625)}
    assert remembered(before, after, 3) == {}
    assert remembered({"x": {"a": 1.0}}, {"x": {"b": 1.0}}, 0) == {}


@pytest.mark.parametrize(
    ("before", "after", "why", "passed"),
    [
        ({}, scores(a=0.2), "unmeasured", True),
        (scores(a=0.5), scores(a=0.5, b=0.1), "equal", True),
        (scores(a=0.5), scores(a=0.4), "worse", False),
        (scores(a=0.5, b=0.5), scores(a=0.9), "lost", False),
    ],
)
def test_a_damaged_model_needs_only_be_made_good(before, after, why, passed):
    """As good is enough, and so is what cannot be compared; worse in what is whole is not."""
    found = replace(judged(before, after), damaged=("fusion/f1",))

    assert (found.why, found.passed) == (why, passed)


@pytest.mark.parametrize(
    ("kind", "action", "why"),
    [("norm", "block", "unsound"), ("worse", "warn", ""), ("lost", "block", "")],
)
def test_what_is_unsound_does_not_serve(kind, action, why):
    """Whatever it scores; drops of directions may be traded, and what is lost is told as that."""
    found = Finding(kind=kind, subject="image/s", action=action, directions=["a"])
    gate = GateVerdict(status="block", findings=[found])

    better = judged(scores(a=0.5), scores(a=0.9), {}, None, gate)
    assert (better.why, better.passed) == (why, not why)
    assert verdict(None, gate=gate).why == (why or "unmeasured")
    damaged = replace(verdict(None, gate=gate), damaged=("projection/p1",))
    assert damaged.passed == (not why)


def test_without_a_comparison_nothing_is_measured():
    """Nor where it could not be made; a gate that failed is unsound."""
    assert verdict(None).why == "unmeasured"
    assert verdict(None, gate=failed("no memory")).why == "unsound"


def test_indexes_are_no_directions_and_sets_of_users_are():
    """What an index gives back has no rank; a user's direction may lead across media, too."""
    means = {
        "index:a": {"RR": (0.9, 0.1)},
        "mine/text:zh→image": {"RR": (0.4, 0.3)},
        "text:zh→text:en": {"RR": (0.4, 0.8)},
    }
    found = verdict(Comparison((), (), (), 0, means))

    assert found.directions == ("mine/text:zh→image", "text:zh→text:en")
    assert (found.across, found.why) == ((0.4, 0.3), "across")


def test_the_reasons_are_told_in_both_languages():
    """With the same facts."""
    facts = {"before": 0.5, "after": 0.25, "names": "text:en→audio"}
    facts |= {"known_before": 0.99, "known_after": 0.18}
    told = [{why: text.format(**facts) for why, text in TOLD[one].items()} for one in LANGUAGES]

    english, chinese = told
    assert english.keys() == chinese.keys()
    for one in told:
        assert "0.5000" in one["worse"]
        assert "0.2500" in one["worse"]
        assert "0.5000" in one["equal"]
        assert facts["names"] in one["lost"]
        assert "0.9900" in one["forgets"]
        assert "0.1800" in one["forgets"]
