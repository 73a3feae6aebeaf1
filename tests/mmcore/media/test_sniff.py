"""Tests of mmcore/media/sniff.py."""

import io

import pytest
from PIL import Image

from mmcore.media.sniff import HEAD, sniff
from storage.schemas import Modality
from tests import media


def saved(kind: str) -> bytes:
    """A small picture in one of Pillow's formats."""
    buffer = io.BytesIO()
    media.picture().save(buffer, kind)
    return buffer.getvalue()[:HEAD]


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
        ("JPEG2000", "image/jp2"),
        ("PPM", "image/x-portable-anymap"),
    ],
)
def test_pictures_are_told_from_their_bytes(kind, media_type):
    """Each format that is decoded has its media type."""
    assert sniff(saved(kind)) == (Modality.IMAGE, media_type)


def test_sounds_and_videos_are_told_from_their_bytes(tmp_path):
    """A WAV is a sound, an MP4 a video, also one that holds sound alone."""
    wav = media.wav(tmp_path / "a.wav", 0.1).read_bytes()
    film = media.mp4(tmp_path / "a.mp4", 0.3).read_bytes()

    assert sniff(wav[:HEAD]) == (Modality.AUDIO, "audio/wav")
    assert sniff(film[:HEAD]) == (Modality.VIDEO, "video/mp4")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"ID3\x04\x00\x00rest", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS" + b"\0" * 24 + b"\x01vorbis", "audio/ogg"),
        (b"OggS" + b"\0" * 24 + b"\x80theora", "video/ogg"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"FORM\0\0\0\0AIFFCOMM", "audio/aiff"),
    ],
)
def test_signatures(head, kind):
    """A container is told by its first bytes and, where it holds either, by its codec."""
    found = sniff(head)

    assert found is not None
    assert found[1] == kind


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "big5"])
def test_chinese_text_in_any_charset_is_text(charset):
    """Chinese in UTF-8, UTF-16 and UTF-32 with a mark, GB18030 and Big5 is text."""
    assert sniff("一隻青蛙。A frog.".encode(charset)) == (Modality.TEXT, "text/plain")


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5"])
def test_a_character_cut_at_the_end_of_the_head_is_no_error(charset):
    """The head of a long text may end inside a character."""
    raw = b"." + "青蛙".encode(charset) * 2000

    assert sniff(raw[:HEAD]) == (Modality.TEXT, "text/plain")


def test_an_accented_western_text_is_text():
    """A text in an 8-bit charset that is mostly ASCII is text."""
    assert sniff("Une grenouille à côté".encode("latin-1")) == (Modality.TEXT, "text/plain")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"%PDF-1.7\n1 0 obj",
        b"PK\x03\x04\x14\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<svg viewBox='0 0 1 1'/>",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        bytes(range(256)) * 4,
        b"text with a \0 in it",
        b"\xff\xff\xff\xff",
    ],
)
def test_what_nothing_here_decodes_has_no_type(head):
    """Archives, programs, PDF, SVG, HEIC and other binary files are not supported."""
    assert sniff(head) is None


def test_a_text_that_ffmpeg_would_play_is_text():
    """FFmpeg opens CMakeLists.txt as an "ansi" video: here it is text."""
    head = b"cmake_minimum_required(VERSION 3.20)\nproject(frog)\n"

    assert sniff(head) == (Modality.TEXT, "text/plain")


@pytest.mark.parametrize("words", ["hello there cat", "A dog", "今天", "猫", "# Title"])
@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_frame_of_sound(words, charset):
    """Windows' "Unicode" begins like MPEG sound; it is text."""
    assert sniff("\ufeff".encode(charset) + words.encode(charset)) == (Modality.TEXT, "text/plain")


def test_words_that_look_like_signatures_are_text():
    """ID3, BMW, G and P5 at the beginning of a sentence make neither sound nor picture."""
    for sentence in (b"ID3 tags hold titles", b"BMW builds cars", b"Goal!", b"P5 is a size"):
        assert sniff(sentence) == (Modality.TEXT, "text/plain")


def test_the_name_plays_no_part(tmp_path):
    """A GIF is a GIF whatever it is called."""
    path = tmp_path / "frog.png"
    Image.new("L", (2, 2)).save(path, "GIF")

    assert sniff(path.read_bytes()) == (Modality.IMAGE, "image/gif")
