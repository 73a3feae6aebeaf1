"""Tests of mmcore/media/texts/captions.py."""

import json

import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.texts import captions
from mmcore.specs import LimitsSpec

LIMITS = LimitsSpec()


def of_json(value):
    """The captions of a JSON value."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    found = captions.in_json(text, LIMITS)
    return None if found is None else [one.text for one in found]


def test_coco_captions():
    """The captions of an annotation file, in order; file names and licences are none."""
    value = {
        "images": [{"file_name": "a.jpg", "license": 3}],
        "annotations": [{"image_id": 1, "caption": "A frog."}, {"caption": " 青蛙。 "}],
    }

    assert of_json(value) == ["A frog.", "青蛙。"]


def test_names_above_languages_and_lists():
    """A caption may be a list, or one for each language."""
    value = [
        {"captions": ["one", {"raw": "two", "tokens": ["no"]}]},
        {"caption": {"zh": "三", "en": "three", "by": "me"}},
    ]

    assert of_json(value) == ["one", "two", "三", "three"]


def test_without_such_names_all_words_count():
    """Strings of a few letters and addresses are left out."""
    value = {"a": {"b": "A frog."}, "url": "http://a.example/frog", "id": "x7", "名": "青蛙"}

    assert of_json(value) == ["A frog.", "青蛙"]


def test_spans_count_in_the_joined_captions():
    """Each caption has its own place, also two that are equal."""
    found = captions.in_json('{"captions": ["frog", "", "frog"]}', LIMITS)
    places = [(one.text, one.span.start, one.span.end, one.span.unit) for one in found]

    assert places == [("frog", 0, 4, "char"), ("frog", 5, 9, "char")]


def test_long_numbers_are_harmless():
    """A number of 10,000 digits is no obstacle."""
    assert of_json('{"n": %s, "x": NaN, "caption": "frog"}' % ("9" * 10_000)) == ["frog"]


@pytest.mark.parametrize("text", ['{"caption": "frog"', "[1, 2] frogs", '{"a": "b"} "c"'])
def test_what_does_not_parse_is_none(text):
    """Then it is read as a plain text."""
    assert of_json(text) is None


@pytest.mark.parametrize("depth", [201, 100_000])
def test_nesting_is_bounded(depth):
    """Lists in lists beyond the limit are a limit's rejection."""
    with pytest.raises(MediaError) as caught:
        of_json("[" * depth + '"frog"' + "]" * depth)

    assert (caught.value.stage, caught.value.reason) == ("limits", "too-deep")


def test_nesting_up_to_the_limit_is_read():
    """200 lists in each other are none too many."""
    assert of_json("[" * 200 + '"frog"' + "]" * 200) == ["frog"]


def test_broken_json_lines_are_a_damage():
    """The others are read; which line is the first is said."""
    text = '{"caption": "one"}\n\n{"caption": "two"}\n{"caption'
    *found, damage = captions.in_json_lines(text, LIMITS)

    assert [one.text for one in found] == ["one", "two"]
    assert isinstance(damage, Damage)
    assert (damage.error.reason, damage.source) == ("broken-lines", "line:4")


def test_mostly_broken_json_lines_are_none():
    """They are read as a plain text."""
    assert captions.in_json_lines('{"caption": "one"}\n{x\n{y', LIMITS) is None


def test_tables_give_their_columns_of_text():
    """Row by row; quotes, line ends in cells and short rows are read."""
    text = 'file,title,caption_zh\na.jpg,"A ""frog""",青蛙\nb.jpg,"two\nlines"\nc.jpg,,三\n'
    found = captions.in_csv(text)

    assert [one.text for one in found] == ['A "frog"', "青蛙", "two\nlines", "三"]


def test_a_cell_may_be_as_long_as_a_text():
    """More than 131,072 characters, where Python's csv stops by itself, are one caption."""
    cell = "x" * 200_000
    found = captions.in_csv(f"file,caption\na.jpg,{cell}\nb.jpg,frog\n")

    assert [one.text for one in found] == [cell, "frog"]


def test_empty_lines_before_a_table_are_no_row():
    """Its header is no caption, and spans count from the first."""
    found = list(captions.in_csv("\ufeff\r\n\nid,caption\n1,a dog\n2,a cat\n"))

    assert [(one.text, one.span.start) for one in found] == [("a dog", 0), ("a cat", 6)]
