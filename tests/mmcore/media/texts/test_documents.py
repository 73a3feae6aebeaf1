"""Tests of mmcore/media/texts/documents.py."""

import pytest

from mmcore.errors import MediaError
from mmcore.media.sniffing import kinds
from mmcore.media.texts.documents import passages
from mmcore.specs import LimitsSpec
from tests import media
from tests.made import documents

LIMITS = LimitsSpec()
SRT = "1\n00:01,0 --> 00:02,0\n<b>A frog.</b>\n\n00:03,0 --> 00:04,0\n青蛙"


def texts(content):
    """The texts of a content's passages."""
    return [one.text for one in passages(content, LIMITS)]


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("一只青蛙。\n\nA frog.", ["一只青蛙。\n\nA frog."]),
        ("# Title\n\nA **frog**.", ["Title\n\nA frog."]),
        ("# only a comment", ["# only a comment"]),
        ("<title>Pond</title><script>x</script><p>A frog.</p>", ["Pond\nA frog."]),
        (SRT, ["A frog.", "青蛙"]),
        ("WEBVTT\n\n00:01.0 --> 00:02.0\nA frog.", ["A frog."]),
        ("[Script Info]\n[Events]\nDialogue: 0,0:00:01.0,0:00:02.0,,,0,0,0,,A, B", ["A, B"]),
        ('[{"caption": "A frog."}, {"caption_zh": "青蛙"}]', ["A frog.", "青蛙"]),
        ('{"text": "one"}\n{"text": "two"}\n', ["one", "two"]),
        ('["A frog" is not JSON', ['["A frog" is not JSON']),
        ("file,caption\na.jpg,A frog.\nb.jpg,青蛙\n", ["A frog.", "青蛙"]),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "gb18030"])
def test_a_text_is_read_by_its_format(tmp_path, words, seen, charset):
    """The sniffer tells the format from the bytes, whatever the charset and the name."""
    assert texts(media.content(media.text(tmp_path / "a.jpg", words, charset))) == seen


def test_documents_are_read_by_their_format(tmp_path):
    """PDF and DOCX are told from their bytes too."""
    pdf = documents.pdf(tmp_path / "a", ["A frog.", "青蛙"])
    word = documents.word(tmp_path / "b", ["A frog.", "青蛙"])

    assert texts(media.content(pdf)) == ["A frog.", "青蛙"]
    assert texts(media.content(word)) == ["A frog.\n青蛙"]


@pytest.mark.parametrize(
    ("raw", "media_type", "reason"),
    [
        (b" \n", kinds.PLAIN, "empty-text"),
        (b"<p hidden>x</p>", kinds.HTML, "empty-text"),
        (b"{}", kinds.JSON, "empty-text"),
        (b"file,caption\na,\n", kinds.CSV, "empty-text"),
        (b"WEBVTT\n", kinds.VTT, "no-cues"),
        (b"[Script Info]", kinds.ASS, "no-cues"),
        (b"<p>\0</p>", kinds.HTML, "not-text"),
    ],
)
def test_what_has_no_words_is_rejected(tmp_path, raw, media_type, reason):
    """A text without words is no content; its reason is stable."""
    path = tmp_path / "a"
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        texts(documents.content(path, media_type))
    assert (caught.value.stage, caught.value.reason) == ("text", reason)


def test_a_caption_of_a_manifest_is_its_own_text():
    """It is read as it stands, whatever it looks like."""
    assert texts(media.caption("# A **frog** [x](y.z)")) == ["# A **frog** [x](y.z)"]


def test_the_limit_of_texts_bounds_the_text_of_a_document(tmp_path):
    """Not the file around it, which may hold pictures."""
    word = media.content(documents.word(tmp_path / "a", ["A frog."]))
    (found,) = passages(word, LimitsSpec(max_text_bytes=20_000))

    assert word.size > 20_000
    assert found.text == "A frog."
