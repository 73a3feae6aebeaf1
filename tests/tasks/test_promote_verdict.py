"""Whether a candidate may serve."""

import pytest

from mmcore.media.reasons import LANGUAGES
from tasks.promote_verdict import TOLD, verdict


def scores(**rr):
    """Evaluations with the measure that decides, and one that does not."""
    return {name: {"RR": value, "Success@1": 1 - value} for name, value in rr.items()}


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
    found = verdict(before, after)

    assert (found.why, found.passed) == (why, not why)
    assert bool(found.reason) == bool(why)


def test_captions_among_themselves_do_not_outvote_what_leads_across_media():
    """The mean of all rises from .4 to .5, pictures by texts fall from .3 to .2."""
    across = {"text:en→image": 0.3, "text:en→text:zh": 0.5, "text:en→fused": 0.4}
    found = verdict(
        scores(**across), scores(**{**across, "text:en→text:zh": 0.9, "text:en→image": 0.2})
    )

    assert found.why == "across"
    assert found.across == (pytest.approx(0.3), pytest.approx(0.2))


def test_only_what_both_have_is_compared():
    """A direction that is new counts for neither."""
    found = verdict(scores(a=0.5, b=0.3), scores(a=0.4, b=0.6, c=0.0))

    assert found.directions == ("a", "b")
    assert (found.before, found.after) == (pytest.approx(0.4), pytest.approx(0.5))


def test_the_reasons_are_told_in_both_languages():
    """With the same facts."""
    facts = {"before": 0.5, "after": 0.25, "names": "text:en→audio"}
    told = [{why: text.format(**facts) for why, text in TOLD[one].items()} for one in LANGUAGES]

    english, chinese = told
    assert english.keys() == chinese.keys()
    for one in told:
        assert "0.5000" in one["worse"]
        assert "0.2500" in one["worse"]
        assert "0.5000" in one["equal"]
        assert facts["names"] in one["lost"]
