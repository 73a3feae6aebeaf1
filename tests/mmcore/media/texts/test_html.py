"""Tests of mmcore/media/texts/html.py."""

import subprocess
import sys

import pytest

from mmcore.errors import MediaError
from mmcore.media.texts.html import decode_page, visible_text
from mmcore.specs import LimitsSpec

LIMITS = LimitsSpec()


def seen(page):
    """The visible text under the usual limits."""
    return visible_text(page, LIMITS)


def test_blocks_are_lines_and_the_title_comes_first():
    """Inline elements join, blocks part, cells have a gap, alt texts stand for pictures."""
    page = (
        "<title>The\n pond</title><h1>A <b>gr</b>een frog</h1><p>It sits<br>here"
        "<img src='http://a.example/x.png' alt='a leaf'>.</p>"
        "<table><tr><td>1<td>2<tr><td>3</table><pre>a\n b</pre>tail &amp; 青蛙"
    )

    assert [" ".join(line.split()) for line in seen(page).split("\n")] == [
        "The pond",
        "A green frog",
        "It sits",
        "here a leaf .",
        "1 2",
        "3",
        "a",
        "b",
        "tail & 青蛙",
    ]


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>x</script>",
        "<style>x</style>",
        "<template>x</template>",
        "<noscript>x</noscript>",
        "<!-- x -->",
        "<p hidden>x</p>",
        "<div style='color: red; DISPLAY : none'>x<p>x</p></div>",
        "<textarea>x</textarea>",
        "<svg><text>x</text></svg>",
        "<img alt='x' hidden>",
        "<object data='http://a.example/'>x</object>",
    ],
)
def test_what_nobody_sees_is_left_out(unseen):
    """Scripts, styles, templates, comments, hidden elements and fallbacks leave nothing."""
    assert seen(f"<p>a{unseen}b</p>").replace(" ", "").replace("\n", "") == "ab"


@pytest.mark.parametrize(
    ("charset", "label"),
    [
        ("gb18030", "gb2312"),
        ("gbk", "GBK"),
        ("big5", "big5"),
        ("utf-8", "utf-8"),
        ("utf-8", "iso-8859-1"),
        ("utf-8", "no-such-charset"),
        ("utf-8", "punycode"),
        ("utf-16", "utf-8"),
    ],
)
def test_a_page_is_decoded_by_mark_then_by_its_label(charset, label):
    """A label that is wrong, or that any bytes fit, does not spoil a page in UTF-8."""
    page = f"<meta charset='{label}'><p>青蛙</p>"

    assert decode_page(page.encode(charset)) == page


def test_latin_1_is_read_as_browsers_do():
    """A page that says ISO-8859-1 is in Windows' Latin: 0x93 is a quotation mark."""
    raw = b"<meta http-equiv=x content='text/html; charset=ISO-8859-1'>\x93caf\xe9\x94"

    assert decode_page(raw).endswith("“café”")


@pytest.mark.parametrize("tag", ["div", "ul", "section"])
def test_a_page_nested_too_deep_is_rejected(tag):
    """Blocks beyond the limit are a limit's rejection, at once."""
    with pytest.raises(MediaError) as caught:
        seen(f"<{tag}>" * 1_000_000)

    assert (caught.value.stage, caught.value.reason) == ("limits", "too-deep")


@pytest.mark.parametrize("tag", ["b", "p", "span", "li"])
def test_elements_that_pages_leave_open_are_no_nesting(tag):
    """Thousands of unclosed paragraphs or spans are read."""
    assert "end" in seen(f"<{tag}>x" * 3000 + "end")


def test_blocks_side_by_side_are_not_deep():
    """Only what is open at a time counts."""
    assert seen("<div>x</div>" * 1000).count("x") == 1000


REOPENED = """
import resource
from mmcore.errors import MediaError
from mmcore.media.texts.html import visible_text
from mmcore.specs import LimitsSpec

resource.setrlimit(resource.RLIMIT_DATA, (300_000_000, resource.RLIM_INFINITY))
try:
    visible_text("".join(f"<b id={n}><p>x" for n in range(6000)), LimitsSpec())
except MediaError as error:
    print(error.reason)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of data")
def test_a_page_that_needs_too_much_memory_is_no_broken_page():
    """Each paragraph opens all 6,000 elements before it again: 18 million in 100 kB."""
    told = subprocess.check_output([sys.executable, "-c", REOPENED], text=True)

    assert told.strip() == "out-of-memory"
