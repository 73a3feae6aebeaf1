from datetime import timedelta

import pytest

from mmcore.evaluation.reporting.page import page
from mmcore.evaluation.reporting.trend import _span, charts_of, nights
from tests.mmcore.evaluation.reporting.made import WHEN, blocked, direction, report
from tests.mmcore.evaluation.reporting.test_page import night


def drawn(*history, **fields):
    """The picture of the one target."""
    (chart,) = charts_of(nights(report(**fields), history))[1]
    return chart.picture


def test_the_report_is_the_last_night():
    """What was evaluated after it, and what says nothing of scores, is not shown."""
    after = night(-1)
    moved = night(1, trigger="rollback")

    found = nights(report(), [after, moved, night(2), night(5)])

    assert [one.when for one in found] == [WHEN - timedelta(days=d) for d in (5, 2, 0)]


def test_a_line_goes_through_all_nights():
    """One line of as many points as there are evaluations."""
    assert drawn(night(2), night(1)).count("<polyline") == 1


def test_a_line_breaks_where_it_was_measured_otherwise():
    """Scores of another configuration, or of other queries, are not joined."""
    assert drawn(night(2, config="old"), night(1)).count("<polyline") == 2
    assert drawn(night(2, sets={"held-out": "x"}), night(1)).count("<polyline") == 2
    assert drawn(night(2, sets={"mine": "x"}), night(1)).count("<polyline") == 1


def test_what_was_blocked_has_a_cross():
    """Its line passes it by; what did not fall that night goes on."""
    fell = night(1, "block", blocked=["text:zh→image"])
    assert drawn(night(2), fell).count('class="cross') == 1
    assert 'class="cross' not in drawn(night(2), night(1, "block", blocked=["audio→image"]))
    assert drawn(night(1), verdict=blocked()).count('class="cross') == 1


def test_the_first_night_has_no_line():
    """It says when there will be one."""
    assert "the line begins with the next one" in page(report())


def test_colours_are_the_style_sheet_s():
    """No number of a colour: the page is light or dark."""
    assert "#" not in drawn(night(1))


def test_own_sets_have_charts_after_the_lake_s():
    """Each by its target, and joined as long as the set is the same."""
    name = "shop/text:zh→image"
    before = night(1, scores={name: {"Success@10": 0.5}}, sets={"shop": "x"})
    mine = direction("text:zh→image", set="shop")

    found = nights(report(directions=[direction(), mine], sets={"shop": "x"}), [before])
    own, shop = charts_of(found)[1]

    assert (own.set, shop.set) == ("", "shop")
    assert shop.picture.count("<polyline") == 1
    assert shop.picture.count("<circle") == 2


def test_several_runs_a_day_have_hours():
    """Dates alone would say the same at both ends."""
    assert "2026-01-02 02:49 UTC" in drawn(night(0.01))
    assert "UTC" not in drawn(night(2))


def test_a_flat_line_has_a_wide_axis():
    """What does not move shall not look as if it could have been seen to."""
    assert _span([0.409]) == pytest.approx((0.309, 0.509))
    assert _span([1.0, 1.0]) == pytest.approx((0.8, 1.0))
    assert _span([0.0]) == pytest.approx((0.0, 0.2))
