"""Rules as a person writes them."""

import pytest
from pydantic import ValidationError

from mmcore.errors import ConfigError
from mmcore.evaluation.gating.rules import DEFAULT, GateSpec, Rule, Rules


def test_the_rule_of_the_issue():
    """An arrow of two signs and an underscore after ``text`` name the same direction."""
    rule = Rule.parse("text_zh->image Success@10: max_drop = 0.02, alpha = 0.01")

    assert (rule.family, rule.subject, rule.measure) == (
        "direction",
        "text:zh→image",
        "Success@10",
    )
    assert (rule.max_drop, rule.alpha, rule.action, rule.least) == (0.02, 0.01, "block", None)
    assert rule.text == "text_zh->image Success@10: max_drop = 0.02, alpha = 0.01"


@pytest.mark.parametrize(
    ("text", "family", "subject"),
    [
        ("all zh RR: max_drop=.1", "direction", "all zh"),
        ("*→fused nDCG@10: min=.3", "direction", "*→fused"),
        ("index:image-* recall@10: max_drop=.02", "index", "index:image-*"),
        ("coverage:audio share: min=.9", "coverage", "coverage:audio"),
        ("quarantine share: max_rise=.05, action=warn", "quarantine", "quarantine"),
        ("drift:image overlap: min=.5, action=warn", "drift", "drift:image"),
    ],
)
def test_what_a_rule_is_about(text, family, subject):
    """Directions, all of them, indexes, coverage, quarantine, drift."""
    rule = Rule.parse(text)

    assert (rule.family, rule.subject) == (family, subject)


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("text:zh->image", 15, "SUBJECT MEASURE: is missing"),
        ("RR: max_drop=1", 3, "SUBJECT MEASURE: is missing"),
        ("a->b RR max_drop=.1", 20, "SUBJECT MEASURE: is missing"),
        ("a->b Sucess@10: max_drop=.1", 6, "'Sucess@10' is no measure"),
        ("index:a RR: max_drop=.1", 9, "'RR' is no measure of it: recall@10"),
        ("a->b RR: max_drop=x", 19, "max_drop is a number from 0, not 'x'"),
        ("a->b RR: max_drop=-1", 19, "max_drop is a number from 0, not '-1'"),
        ("a->b RR: max_drop=nan", 19, "max_drop is a number from 0, not 'nan'"),
        ("a->b RR: max_drop=.1, maxdrop=1", 23, "'maxdrop' is none of action, alpha"),
        ("a->b RR: max_drop=.1, max_drop=1", 23, "'max_drop' comes twice"),
        ("quarantine share: max_drop=.1", 19, "'max_drop' is none of action, max_rise"),
        ("a->b RR: alpha=.1", 18, "one of max_drop or min is missing"),
        ("a->b RR: max_drop=.1, alpha=0", 29, "alpha lies between 0 and 1"),
        ("a->b RR: max_drop=.1, action=stop", 30, "action is block or warn, not 'stop'"),
        ("a->b RR: max_drop", 10, "'max_drop' is not NAME = VALUE"),
        ("a->b RR:", 9, "is not NAME = VALUE"),
    ],
)
def test_a_bad_rule_names_the_place(text, place, why):
    """Character and reason; the config says which field."""
    with pytest.raises(ConfigError, match=f"at character {place}: .*") as caught:
        Rule.parse(text)

    assert why in str(caught.value)
    with pytest.raises(ValidationError, match="rules"):
        GateSpec(rules=(text,))


def test_a_later_rule_wins():
    """Of those about one measure of one subject; another measure is another matter."""
    rules = Rules.of(
        GateSpec(
            rules=(
                "*->* RR: max_drop=.01",
                "text:zh->* RR: max_drop=.05",
                "text:zh->* AP@100: max_drop=.3",
            )
        )
    )

    assert rules.for_row("direction", ("text:zh→image",), "RR").max_drop == 0.05
    assert rules.for_row("direction", ("text:en→image",), "RR").max_drop == 0.01
    assert rules.for_row("direction", ("text:en→image",), "nDCG@10") is None


def test_the_default_rules_are_of_one_measure_each():
    """Each row costs power: means by RR, directions by Success@10; indexes know no others."""
    rules = Rules.of(GateSpec())

    assert len(rules.each) == len(DEFAULT)
    assert rules.for_row("direction", ("all zh",), "RR").max_drop == 0.01
    assert rules.for_row("direction", ("all",), "Success@10") is None
    assert rules.for_row("direction", ("image→text:en",), "Success@10").max_drop == 0.02
    assert rules.for_row("index", ("index:a/p1",), "recall@10").family == "index"
    assert rules.for_row("direction", ("index:a/p1",), "recall@10") is None
