from __future__ import annotations

import numpy as np

from mmcore.training.naming import naming_of
from mmcore.training.rows import Rows


def texts(*said):
    """Rows of (item, language, text)."""
    items, languages, words = zip(*said, strict=True)
    ids = np.array(items, dtype=np.int64)
    contents = tuple(f"{language} {word}" for _, language, word in said)
    return Rows(ids, np.arange(len(ids)), contents, languages, words, np.zeros((len(ids), 2)))


def coloured(count=40):
    """Items with an English caption of their own and one of two colours in Chinese."""
    return texts(
        *((i, "en", f"thing {i}") for i in range(count)),
        *((i, "zh", "红色" if i % 2 else "蓝色") for i in range(count)),
    )


def test_items_go_by_their_own_captions_beside_a_tag():
    """As many groups and own captions as items, though two Chinese words name them all."""
    found = naming_of(coloured())

    assert found.keys[3] == found.own[3] == "thing 3"
    assert found.count == len(set(found.own.values())) == 40


def test_a_tag_in_the_first_language_names_nobody():
    """English comes first, but says the same of all."""
    found = naming_of(
        texts(
            *((i, "en", "a photo") for i in range(20)), *((i, "zh", f"东西{i}") for i in range(20))
        )
    )

    assert found.keys[3] == found.own[3] == "东西3"


def test_a_tag_is_right_for_all_that_have_it_and_a_caption_for_its_own():
    """Asked or sought in Chinese: each second item; in English, or by contents: itself."""
    same = naming_of(coloured()).same
    asked = same.take(np.array([1]))

    assert asked.right(same, "zh").sum() == 20
    assert asked.right(same, None, "zh").sum() == 20
    assert asked.right(same, "en", "zh").nonzero()[1].tolist() == list(range(1, 40, 2))
    for way in ((), ("en",), (None, "en")):
        assert asked.right(same, *way).nonzero()[1].tolist() == [1]


def test_who_says_more_than_a_tag_does_not_ask_for_all_that_have_it():
    """Item 0 says something else in Chinese, too; it is right for those that say the tag alone."""
    rows = texts(
        *((i, "en", f"thing {i}") for i in range(20)),
        *((i, "zh", "图片") for i in range(20)),
        (0, "zh", "独角兽"),
    )
    same = naming_of(rows).same

    assert same.take(np.array([0])).right(same, "zh").sum() == 1
    assert same.take(np.array([1])).right(same, "zh").sum() == 20


def test_a_part_keeps_the_names_of_the_whole():
    """A caption that is a tag among all stays one among few."""
    part = naming_of(coloured()).of([1, 3, 5])

    assert list(part.keys) == [1, 3, 5]
    assert part.count == 3
    assert part.same.right(part.same, "zh").all()
    assert part.rows([5, 1]).codes.tolist() == [part.same.codes[2], part.same.codes[0]]


def test_items_of_one_picture_are_one_group():
    """Named by the first of their captions."""
    found = naming_of(
        texts(*((i, "en", f"thing {i}") for i in range(12))), [("p", 3), ("p", 4), ("q", 5)]
    )

    assert found.keys[3] == found.keys[4] == "thing 3"
    assert found.own[4] == "thing 4"
    assert found.count == 11
