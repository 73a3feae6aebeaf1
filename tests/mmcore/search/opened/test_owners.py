import numpy as np
import pytest

from mmcore.search.opened.owners import Owners


@pytest.fixture
def owners():
    """Segment 5 serves items 1 and 2, segment 6 item 1, segment 7 item 3."""
    return Owners.of(np.array([3, 2, 1, 1]), np.array([7, 5, 6, 5]))


def test_an_item_is_listed_once_by_its_best_segment(owners):
    """A segment of several items brings up each; equal scores come by item id."""
    listed = owners.listed("text", np.array([5, 6, 7]), np.array([0.2, 0.7, 0.2]))

    assert listed.item_ids.tolist() == [1, 2, 3]
    assert listed.scores.tolist() == [0.7, 0.2, 0.2]
    assert listed.segment_ids.tolist() == [6, 5, 7]


def test_segments_of_items_know_whose_they_are(owners):
    """An item that has none has none."""
    segments, places = owners.segments_of(np.array([2, 9, 1]))

    assert segments.tolist() == [5, 5, 6]
    assert places.tolist() == [0, 2, 2]


def test_items_of_segments_come_once(owners):
    """However many of their segments are asked for; unknown ones serve nobody."""
    assert owners.items_of(np.array([6, 5, 99])).tolist() == [1, 2]
    assert owners.items_of(np.array([], dtype=np.int64)).tolist() == []
    assert owners.known.tolist() == [1, 2, 3]
