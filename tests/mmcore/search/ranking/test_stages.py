from itertools import islice

from mmcore.search.ranking.stages import Stage, blended, whole


def test_first_answers_of_several_lists_are_settled_by_a_short_look():
    """One in four of what is looked at; from the third look on all that is found."""
    found = [*islice(blended(), 4)]

    assert found == [Stage(200, 50), Stage(800, 200), Stage(3200), Stage(12800)]


def test_each_look_settles_all_that_it_finds():
    """And goes four times as deep as the one before."""
    assert [*islice(whole(50), 3)] == [Stage(50), Stage(200), Stage(800)]
