"""Tests of mmcore/media/texts/entities.py."""

import pytest

from mmcore.media.texts.entities import unescaped


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Tom &amp; Jerry &#9731; &#x2603;", "Tom & Jerry ☃ ☃"),
        (f"a &#{'9' * 5000}; b", "a \ufffd b"),
        (f"a &#x{'F' * 5000}; b", "a \ufffd b"),
        (f"a &#{'0' * 5000}65; b", "a A b"),
        (f"a &#X{'0' * 5000}41; b", "a A b"),
        (f"&#{'0' * 50}38;lt;", "&lt;"),
        (f"&#{'0' * 50};", "\ufffd"),
        ("&#; &zzz; &", "&#; &zzz; &"),
    ],
)
def test_references_are_read_once_however_long(text, read):
    """A number beyond Unicode is a replacement character; zeros before one mean nothing."""
    assert unescaped(text) == read
