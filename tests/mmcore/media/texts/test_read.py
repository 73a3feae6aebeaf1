"""Tests of mmcore/media/texts/read.py."""

import pytest

from mmcore.errors import MediaError
from mmcore.media.texts.read import read_text
from mmcore.specs import LimitsSpec
from tests import media
from tests.made import documents

LIMITS = LimitsSpec()


def test_the_whole_text_joins_the_passages(tmp_path):
    """Pages, captions and cues stand on lines of their own; a damaged page is left out."""
    pdf = media.content(documents.pdf(tmp_path / "a", ["one", None, "three"]))
    table = media.content(media.text(tmp_path / "b", "n,caption\n1,one\n2,two"))

    assert read_text(pdf, LIMITS) == "one\nthree"
    assert read_text(table, LIMITS) == "one\ntwo"


def test_nothing_but_damage_is_a_rejection(tmp_path):
    """Its reason is that of the first damage."""
    content = media.content(documents.pdf(tmp_path / "a", [None, None]))

    with pytest.raises(MediaError) as caught:
        read_text(content, LIMITS)
    assert caught.value.reason == "decode-error"


def test_a_text_above_the_limit_is_rejected(tmp_path):
    """A text is never cut to fit a limit."""
    content = media.content(media.text(tmp_path / "a.txt", "frog" * 10))

    with pytest.raises(MediaError) as caught:
        read_text(content, LimitsSpec(max_text_bytes=39))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-bytes")
