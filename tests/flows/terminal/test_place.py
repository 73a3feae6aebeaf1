"""Where a segment lies, and what it is."""

import pytest

from flows.terminal.place import KINDS, kind_of, place_json
from mmcore.types import Span


@pytest.mark.parametrize(
    ("kind", "source", "told"),
    [
        ("music", "track:0", ["音乐"]),
        ("chorus", "track:0", ["chorus"]),  # of a third party
        ("page", "self", []),  # "page 3" says it
        ("subtitle", "subtitle:1", []),  # "subtitle 2" says it
        ("ocr", "ocr@abc", ["图中文字"]),
        (None, None, []),
    ],
)
def test_what_a_segment_is_is_said_where_its_place_does_not(kind, source, told):
    """In the language, as far as it is known."""
    assert list(kind_of(kind, source, KINDS["zh"])) == told


def test_programs_get_span_and_box():
    """Both are there, whatever a segment has."""
    assert place_json(None) == {"span": None, "box": None}
    assert place_json(Span(1.0, 2.5, "second")) == {"span": [1.0, 2.5, "second"], "box": None}
    box = Span(0, 1, "box", (0.1, 0.2, 0.5, 0.6))
    assert place_json(box) == {"span": [0, 1, "box"], "box": [0.1, 0.2, 0.5, 0.6]}
