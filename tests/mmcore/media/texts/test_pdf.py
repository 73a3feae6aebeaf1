"""Tests of mmcore/media/texts/pdf.py."""

import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.texts.pdf import MOST_DAMAGES, joined_lines, pages
from mmcore.specs import LimitsSpec
from mmcore.types import Span
from tests.made import documents

LIMITS = LimitsSpec()


def test_each_page_with_text_is_a_passage(tmp_path):
    """Pages count from 1; one without text gives nothing, Chinese is read."""
    path = documents.pdf(tmp_path / "a", ["A frog.\nA leaf.", "", "一只绿色的青蛙。"])

    assert [(one.source, one.text) for one in pages(str(path), LIMITS)] == [
        ("page:1", "A frog.\nA leaf."),
        ("page:3", "一只绿色的青蛙。"),
    ]


def test_lines_of_a_page_are_joined(tmp_path):
    """A hyphen at the end of a line goes where the word goes on, Chinese lines join."""
    text = "The amphi-\nbian is well-\nKnown.\n一只绿色的青蛙坐\n在荷叶上。"
    (page,) = pages(str(documents.pdf(tmp_path / "a", [text])), LIMITS)

    assert page.text == "The amphibian is well-Known.\n一只绿色的青蛙坐在荷叶上。"


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("amphi-\nbian", "amphibian"),
        ("amphi-\r\nbian", "amphibian"),
        ("amphi\x02bian", "amphibian"),
        ("well\x02Known", "well-Known"),
        ("1999-\n2000", "1999-\n2000"),
        ("a frog -\nor two", "a frog -\nor two"),
        ("青蛙\n坐在", "青蛙坐在"),
        ("青蛙 \n “坐”", "青蛙 \n “坐”"),
        ("a frog\nsits", "a frog\nsits"),
    ],
)
def test_joined_lines(text, joined):
    """Only what a line end has cut is joined."""
    assert joined_lines(text) == joined


def test_a_missing_page_is_a_damage(tmp_path):
    """The others are read."""
    path = documents.pdf(tmp_path / "a", ["one", None, "three"])
    first, damage, last = pages(str(path), LIMITS)

    assert (first.text, last.text) == ("one", "three")
    assert isinstance(damage, Damage)
    assert (damage.source, damage.error.stage) == ("page:2", "text")


def test_neighbouring_pages_that_are_missing_are_one_damage(tmp_path):
    """A small file may claim thousands; their place is a span of pages."""
    path = documents.pdf(tmp_path / "a", ["one", None, "three", *[None] * 500])
    first, alone, third, run = pages(str(path), LIMITS)

    assert (first.text, alone.source, third.text) == ("one", "page:2", "three")
    assert (run.error.reason, run.span) == ("decode-error", Span(3, 503, "page"))
    assert run.error.message.startswith("pages 4 to 503: ")


def test_damages_of_a_file_are_bounded(tmp_path):
    """The last one takes in all broken pages that follow; pages between are read."""
    path = documents.pdf(tmp_path / "a", ["text", None] * (MOST_DAMAGES + 20))
    found = list(pages(str(path), LIMITS))
    damages = [one for one in found if isinstance(one, Damage)]

    assert len(damages) == MOST_DAMAGES
    assert len(found) - len(damages) == MOST_DAMAGES + 20
    assert damages[-1].span == Span(2 * MOST_DAMAGES - 1, 2 * MOST_DAMAGES + 40, "page")


def cut_short(path):
    """A PDF that ends in the middle of its first object."""
    path.write_bytes(b"%PDF-1.7\n1 0 obj")
    return path


@pytest.mark.parametrize(
    ("make", "limits", "reason"),
    [
        (lambda path: documents.pdf(path, ["", ""]), LIMITS, "no-text"),
        (lambda path: documents.pdf(path, ["x"], encrypted=True), LIMITS, "encrypted"),
        (lambda path: documents.pdf(path, ["x"] * 3), LimitsSpec(max_pages=2), "too-many-pages"),
        (
            lambda path: documents.pdf(path, ["four", "five"]),
            LimitsSpec(max_text_bytes=7),
            "too-many-bytes",
        ),
        (cut_short, LIMITS, "decode-error"),
    ],
)
def test_what_has_no_text_is_rejected(tmp_path, make, limits, reason):
    """Scanned, encrypted, too long and broken files each have their reason."""
    path = make(tmp_path / "a")

    with pytest.raises(MediaError) as caught:
        list(pages(str(path), limits))
    assert caught.value.reason == reason


def test_a_file_that_has_gone_is_an_os_error(tmp_path):
    """Reading failed, not decoding."""
    with pytest.raises(FileNotFoundError):
        list(pages(str(tmp_path / "none"), LIMITS))
