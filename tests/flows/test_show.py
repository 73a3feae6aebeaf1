"""How a hit looks on a terminal, and as JSON."""

from io import StringIO

import pytest
from rich.console import Console

from flows import show
from mmcore.types import Hit, Span

BOX = (0.0, 0.25, 0.5, 1.0)


def shown(span, kind):
    """The line of a hit of that place and kind."""
    out = StringIO()
    hit = Hit(1, "cat", 0.5, 2, path="cat.pdf", root="media", span=span, kind=kind)
    show.hits(Console(file=out, width=200), [hit])
    return out.getvalue().splitlines()[1].partition("cat.pdf")[2].strip()


@pytest.mark.parametrize(
    ("span", "kind", "said"),
    [
        (None, None, ""),
        (None, "animation", "animation"),
        (Span(12.0, 22.0, "second"), "voice", "at 0:12–0:22, voice"),
        (Span(0.0, 0.5, "second"), None, "at 0:00.0–0:00.5"),
        (Span(12.0, 12.0, "second"), None, "at 0:12"),
        (Span(3723.0, 3733.4, "second"), "subtitle", "at 1:02:03–1:02:13, subtitle"),
        (Span(59.7, 61.0, "second"), None, "at 1:00–1:01"),
        (Span(2.0, 3.0, "page"), "page", "page 3"),
        (Span(2.0, 4.0, "page"), None, "pages 3–4"),
        (Span(2.0, 3.0, "page", BOX), "region", "page 3, region"),
        (Span(0.0, 1.0, "box", BOX), "region", "region"),
        (Span(0.0, 400.0, "char"), None, "char 0–400"),
    ],
)
def test_a_hit_says_where_it_lies(span, kind, said):
    """Minutes and seconds; pages as people count them; a region; what the segment is."""
    assert shown(span, kind) == said


def test_a_hit_has_its_box_as_json():
    """Programs get the numbers."""
    told = show.hit_json(Hit(1, "cat", 0.5, span=Span(2.0, 3.0, "page", BOX), kind="region"))

    assert (told["span"], told["box"], told["kind"]) == ([2.0, 3.0, "page"], list(BOX), "region")
    assert show.hit_json(Hit(1, "cat", 0.5))["box"] is None
