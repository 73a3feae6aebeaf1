"""Tests of mmcore/media/sniff.py: texts, pages and subtitles, and what only resembles them."""

import random
import time

import pytest

from mmcore.media.sniff import HEAD, sniff
from storage.schemas import Modality


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


def of_text(text: str, charset: str = "utf-8") -> str:
    """The media type of a text."""
    found = sniff(text.encode(charset)[:HEAD])
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><p>A frog.",
        "\ufeff <!-- a page --> <HTML lang='zh'>",
        "<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html/>",
        "<title>青蛙</title>",
        "<p>A frog.</p>",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "gb18030"])
def test_pages_are_told_by_their_first_element(page, charset):
    """HTML is told by its document type or first element, in any charset."""
    assert of_text(page, charset) == "text/html"


@pytest.mark.parametrize(
    "picture",
    [
        "<svg viewBox='0 0 1 1'/>",
        "\ufeff\n<?xml version='1.0'?>\n<!-- made by hand -->\n<svg xmlns='x'/>",
        "<!DOCTYPE svg PUBLIC 'a' 'b' [<!ENTITY ns 'c'>]><!-- d --><svg/>",
        "<?xml version='1.0'?><svg:svg xmlns:svg='x'></svg:svg>",
    ],
)
def test_svg_is_a_picture(picture):
    """SVG is told by its first element, after prolog, document type and comments."""
    assert sniff(picture.encode()) == (Modality.IMAGE, "image/svg+xml")


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nA frog.\n", "application/x-subrip"),
        ("00:00:01.000 --> 00:00:02.000\nA frog.\n", "application/x-subrip"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nA frog.\n", "text/vtt"),
        ("[Script Info]\nTitle: frog\n", "text/x-ssa"),
        ('{"caption": "A frog."}', "application/json"),
        ('[{"caption": "A frog."}]', "application/json"),
        ('{"caption": "A frog."}\n{"caption": "A dog."}\n', "application/x-ndjson"),
        ("image,caption\na.jpg,A frog.\n", "text/csv"),
        ("file\ttitle_zh\na.jpg\t青蛙\n", "text/csv"),
    ],
)
def test_subtitles_and_captions_are_told_by_their_first_lines(text, media_type):
    """Files of cues, JSON and tables with a column of captions are told from plain text."""
    assert of_text(text) == media_type
    assert of_text(text, "utf-16") == media_type


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTTs are files",
        "[Music] A frog.",
        "{note} A frog.",
        "Title, description and more\nA frog.",
        "Text\nA frog.",
        "a,b\n1,2\n",
        "1\n2\n3",
        "< 5 frogs",
        "<p> is an element",
        "# Title\n\nSee [this](http://a.b/c) and **that**.",
    ],
)
def test_what_only_resembles_a_format_is_plain_text(text):
    """Brackets, commas and numbers make no format; Markdown is told when all of it is read."""
    assert of_text(text) == "text/plain"


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "words", ["A frog.", "一只绿色的青蛙。", "我們在花園裡看見一隻狗，Bob 說。"]
)
def test_wide_characters_without_a_mark_are_text(words, charset):
    """Common Chinese and English characters show it, where nothing marks it."""
    assert sniff(words.encode(charset)) == (Modality.TEXT, "text/plain")
    assert sniff((words * 999).encode(charset)[:HEAD]) == (Modality.TEXT, "text/plain")


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("koi8-r", "Зелёная лягушка сидит на листе. "),
        ("iso2022-kr", "개구리가 잎에 앉아 있다. "),
        ("shift-jis", "蛙は葉に座っている。 "),
        ("cp1253", "Ένας πράσινος βάτραχος κάθεται. "),
    ],
)
def test_long_texts_in_other_charsets_are_text(charset, words):
    """Bytes beyond ASCII without a control among them are text, if there are enough."""
    assert of_text(words * 5, charset) == "text/plain"


def test_junk_is_no_text():
    """Random bytes have no type, at nearly any length."""
    chance = random.Random(4)
    found = [sniff(b"\0" + chance.randbytes(chance.randint(15, 4000))) for _ in range(300)]

    assert [kind for kind in found if kind] == []


LETTER = "亲爱的小明：我们在花园里看见一只绿色的青蛙，它坐在荷叶上。" * 12


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5", "utf-16"])
@pytest.mark.parametrize("wrong", [b"\xff", b"\0", b"\xff\0"])
def test_a_text_with_a_wrong_byte_is_text(charset, wrong):
    """One bad byte or NUL in a letter of a kilobyte is for reading to tell."""
    words = LETTER if charset != "big5" else "我在花園看見一隻青蛙，牠坐在那裡。" * 20
    raw = words.encode(charset)
    wrong = b"\0\xd8" if charset == "utf-16" else wrong  # half a pair

    assert sniff(raw[:400] + wrong + raw[400:]) == (Modality.TEXT, "text/plain")


def test_a_head_with_many_wrong_bytes_is_no_text():
    """Bytes of which a tenth are controls or valid in nothing are junk."""
    raw = LETTER.encode()

    assert sniff(b"\0".join(raw[at : at + 10] for at in range(0, len(raw), 10))) is None
    assert sniff(b"\xff\x03".join(raw[at : at + 10] for at in range(0, len(raw), 10))) is None


@pytest.mark.parametrize(
    ("charset", "table"),
    [
        ("gb18030", "文件,说明\na.jpg,一只青蛙。\n"),
        ("big5", "檔案,說明\na.jpg,一隻青蛙。\n"),
    ],
)
@pytest.mark.parametrize("rows", [1, 3000])
def test_captions_under_chinese_names_are_a_table(charset, table, rows):
    """The first line is read in the charset that fits, wherever the head is cut."""
    names, row = table.splitlines(keepends=True)
    raw = (names + row * rows).encode(charset)

    for size in (HEAD, HEAD - 1):
        assert sniff(raw[:size]) == (Modality.TEXT, "text/csv")


def test_half_a_text_in_utf_16_is_no_sound():
    """Its mark alone is like a frame of layer I; no frame follows it."""
    assert sniff("\ufeffA frog.".encode("utf-16-le") + b"\0\xd8") is None


@pytest.mark.parametrize(
    "sentence",
    [
        "GIF89a is the name of a picture format, this is a sentence about it.",
        "qoif is a magic of pictures, said the teacher to the class today.",
        "P1 10 20 apples were sold on the market on Monday by the farmer.",
        "P3 2024 11 26 notes of the meeting, which all attended gladly.",
        "icns is the icon format of some systems, and this is a plain note about it.",
        "/* XPM */ is a comment in a C file, which is a plain text after all.",
        "fLaC marks the beginning of every FLAC file, says the manual page.",
        "MPCK stands for Musepack, an old codec that nobody uses any more.",
        "wvpk is how WavPack blocks begin, and this is only a text on them.",
        "#!AMR is a shebang for sounds, as the manual says in its chapter 1.",
        "RIFFfromWAVE a story of the sea and its waves, told by an old man.",
        "FORM or AIFF: which one do people prefer? This is but a question.",
        "%PDF- is how a PDF begins, and this sentence only tells you of it.",
    ],
)
def test_a_sentence_that_begins_with_a_signature_is_text(sentence):
    """A format's mark is no word that people never write."""
    assert sniff(sentence.encode()) == (Modality.TEXT, "text/plain")


def test_a_page_that_begins_like_a_picture_is_text():
    """No control character is in it, and in every picture there is one."""
    found = sniff(b"GIF89a<html><body><p>Words in a page.</p></body></html>")

    assert found is not None
    assert found[1] in {"text/plain", "text/html"}


def test_cues_before_the_beginning_are_subtitles():
    """A shift of the times may leave the first below 0."""
    assert of_text("1\n-00:00:05,000 --> 00:00:02,000\nA frog.\n") == "application/x-subrip"


@pytest.mark.parametrize(
    "head",
    [
        b" " * HEAD,
        b"\n" * HEAD,
        b"1" * HEAD,
        b"1:2" + b" " * (HEAD - 3),
        b"<!doctype " + b"a" * 2000 + b"]" * 2000,
        b"<!doctype a[" + b"] " * 2000,
        b";\n" * (HEAD // 2),
        b"{ " * (HEAD // 2),
    ],
)
def test_no_head_takes_long(head):
    """Time grows with its length: with the square of it, five took half a second and more."""
    started = time.thread_time()
    for _ in range(5):
        sniff(head)

    assert time.thread_time() - started < 0.1
