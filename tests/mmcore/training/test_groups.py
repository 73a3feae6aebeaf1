from __future__ import annotations

from mmcore.training.groups import item_groups


def numbers(captions, contents=None):
    """Of items 0, 1 … with these captions and contents."""
    return item_groups(range(len(captions)), dict(enumerate(captions)), contents or {})


def own(count):
    """A caption of its own for each."""
    return [{f"thing {i}"} for i in range(count)]


def test_captions_and_contents_connect_items_by_way_of_others():
    """0 and 1 share a caption, 1 and 2 a picture: one group of twelve items that are ten."""
    captions = [{"thing 1"}, *own(12)[1:]]
    found = numbers(captions, {1: {"a"}, 2: {"a"}, 3: {"b"}})

    assert found.numbers.tolist() == [0, 0, 0, *range(1, 10)]
    assert not found.tags


def test_folds_hang_on_captions_not_on_contents_or_numbers():
    """A group with a caption is named by it, so that it is in the same fold of any lake."""
    assert numbers(own(10), {0: {"a"}, 1: {"a"}}).names[:3] == (
        "caption thing 0",
        "caption thing 0",
        "caption thing 2",
    )


def test_a_caption_of_all_items_connects_nobody():
    """It is a tag: items go by the captions that they have beside it."""
    found = numbers([{"a picture", *of} for of in own(40)])

    assert len(set(found.names)) == 40
    assert found.tags == {"a picture"}
    assert found.captions[3] == {"thing 3"}


def test_four_tags_leave_groups_to_hold_out():
    """None of them has a third of the items, and four groups are too few."""
    found = numbers([{f"colour {i % 4}", f"thing {i}"} for i in range(40)])

    assert len(set(found.names)) == 40
    assert len(found.tags) == 4


def test_items_with_tags_alone_go_by_their_rarest():
    """They have nothing else to go by."""
    said = [{"a picture", "red" if i < 10 else "blue"} for i in range(30)]
    found = numbers([*said, *({"a picture", *of} for of in own(30))])

    assert len(set(found.names)) == 32
    assert found.captions[0] == {"red"}


def test_captions_that_few_share_connect_whatever_they_leave():
    """Six items in two groups: three equal captions are no tag."""
    found = numbers([{"one"}] * 3 + [{"two"}] * 3)

    assert found.numbers.tolist() == [0, 0, 0, 1, 1, 1]
    assert not found.tags


def test_a_content_of_very_many_items_connects_nobody():
    """A logo in every item says nothing of any."""
    found = numbers(own(40), {i: {"logo"} for i in range(40)})

    assert len(set(found.names)) == 40
    assert found.common == {"logo"}
