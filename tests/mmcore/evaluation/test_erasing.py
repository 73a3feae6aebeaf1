from datetime import UTC, datetime

import pytest

from mmcore.evaluation.erasing import Shown, without
from mmcore.evaluation.scores import Direction, Report, Worst
from mmcore.evaluation.worst import shortened

LONG = "A tabby cat sleeps on the green sofa. " * 20
SHOWN = Shown({"trips/cat.png", "trips/cat"}, [LONG, "一只猫在家里。"])


def worst(query: str = "q", first: str = "f", *expected: str) -> Worst:
    """A query that did badly."""
    return Worst(query=query, expected=list(expected), first=first, rank=2, relevant=1)


def report(*found: Worst, without_results: tuple[str, ...] = ()) -> Report:
    """A report of one direction."""
    direction = Direction(
        name="text→image",
        queries=9,
        gallery=9,
        means={"RR": 0.5},
        median_rank=1,
        chance=0.1,
        without_results=list(without_results),
        worst=list(found),
    )
    return Report.model_construct(
        snapshot=1, run="r", evaluated_at=datetime.now(UTC), directions=[direction]
    )


@pytest.mark.parametrize(
    "told",
    [
        worst("trips/cat.png"),
        worst("q", "trips/cat"),
        worst("q", "f", "dog", "一只猫在家里。"),
        worst(shortened(LONG)),
        worst(LONG[:37]),
    ],
)
def test_an_example_that_shows_the_erased_goes(told):
    """By its path or key, or by its text, also a shortened one; scores stay."""
    before = report(told, worst("dog"))

    after = without(before, SHOWN, ())

    assert [one.query for one in after.directions[0].worst] == ["dog"]
    assert after.directions[0].means == {"RR": 0.5}


def test_examples_of_others_stay():
    """A report that shows nothing of it is not changed."""
    before = report(worst("a dog"), worst("trips/cat.png.bak"), worst("A"), without_results=("d",))

    assert without(before, SHOWN, {"c"}) == before


def test_a_content_that_found_nothing_is_not_named():
    """A query without results is named by its content id."""
    after = without(report(without_results=("c", "d")), SHOWN, {"c"})

    assert after.directions[0].without_results == ["d"]
