"""Tests of mmcore/media/sniff.py."""

import io
import random
import struct
import time
import zipfile

import av
import pytest
from PIL import Image

from benchmarks.seeds import SEEDS
from mmcore.media.sniff import HEAD, sniff
from storage.schemas import Modality
from tests import media
from tests.made import documents


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
        (b"FRM8\0\0\0\0\0\0\0\x72DSD FVER", "audio/x-dff"),
        (b"MAC \x96\x0f\0\0", "audio/x-ape"),
        (b"\x0b\x77\x1d\x30\x1e\x40\x43\0", "audio/ac3"),
        (b"\0\0\0\x20ftypM4B \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x20ftypM4V \0\0\0\0", "video/x-m4v"),
        (b"\0\0\0\x20ftyp3gp5\0\0\0\0", "video/3gpp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftyphevx\0\0\0\0hevxmsf1", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "image/heif"),
        ((b"G" + bytes(187)) * 3, "video/mp2t"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "video/mp2t"),
        (b"MM\0+\0\x08\0\0", "image/tiff"),
        (b"%PDF-1.7\n1 0 obj", "application/pdf"),
        (b"\0junk\n%PDF-1.4\n", "application/pdf"),
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
        b"PK\x03\x04\x14\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        b"{\\rtf1\\ansi A frog.}",
        b"%!PS-Adobe-3.0\n",
        b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
        b"II*\0\x10\0\0\0CR\x02\0",
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),
        bytes(range(256)) * 4,
        b"text with a \0 in it",
        b"\xff\xff\xff\xff",
    ],
)
def test_what_nothing_here_decodes_has_no_type(head):
    """Archives, programs, RTF, PostScript, raw photographs and binary junk are not supported."""
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


def test_an_animated_png_is_told_from_a_still_one():
    """APNG has its own media type; ``acTL`` comes before the pixels."""
    buffer = io.BytesIO()
    frames = [media.noise(seed=1)]
    media.picture().save(buffer, "PNG", save_all=True, append_images=frames)

    assert sniff(buffer.getvalue()[:HEAD]) == (Modality.IMAGE, "image/apng")


def test_a_raw_photograph_is_no_tiff():
    """DNG would give a thumbnail for a picture; a TIFF with the same bytes but its mark is one."""
    entries = struct.pack("<HHIIHHII", 254, 4, 1, 1, 50706, 1, 4, 0x0401)
    directory = struct.pack("<H", 2) + entries + bytes(4)

    assert sniff(b"II*\0\x08\0\0\0" + directory) is None
    assert sniff(b"II*\0\x08\0\0\0" + directory[:14]) == (Modality.IMAGE, "image/tiff")


@pytest.mark.parametrize(("kind", "codec"), [("webm", "libopus"), ("matroska", "flac")])
def test_matroska_with_sound_alone_is_a_sound(kind, codec):
    """Its list of tracks names no picture."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        frame = av.AudioFrame(
            format=stream.format.name, layout="mono", samples=stream.frame_size or 960
        )
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = sniff(buffer.getvalue()[:HEAD])

    assert found == (Modality.AUDIO, "audio/webm" if kind == "webm" else "audio/x-matroska")


def test_mp3_after_junk_is_a_sound():
    """Frames that follow each other are found after bytes that are nothing."""
    frame = b"\xff\xfb\x90\x64" + bytes(413)  # 144,000 · 128 / 44,100 = 417 bytes

    assert sniff(bytes(100) + frame * 3) == (Modality.AUDIO, "audio/mpeg")
    assert sniff(bytes(100) + frame * 2 + bytes(100)) is None


def test_half_a_text_in_utf_16_is_no_sound():
    """Its mark alone is like a frame of layer I; no frame follows it."""
    assert sniff("\ufeffA frog.".encode("utf-16-le") + b"\0\xd8") is None


def test_a_word_document_is_told_from_other_archives(tmp_path):
    """A DOCX is told by its content types, else by names; what stays open is taken for one."""
    word = documents.word(tmp_path / "a", ["A frog."]).read_bytes()
    sheet = "<Types><Override ContentType='x.spreadsheetml.sheet.main+xml'/></Types>"

    def kind(entries):
        return sniff(documents.archive(tmp_path / "b", entries).read_bytes()[:HEAD])

    docx = sniff(word[:HEAD])
    assert docx is not None
    assert docx[1].endswith("wordprocessingml.document")
    assert kind({"[Content_Types].xml": sheet, "_rels/.rels": ""}) is None
    assert kind({"_rels/.rels": "", "word/document.xml": ""}) == docx
    assert kind({"_rels/.rels": "", "docProps/app.xml": ""}) == docx
    assert kind({"mimetype": "application/epub+zip", "a.html": ""}) is None
    assert kind({"frog.txt": "A frog."}) is None


def test_a_streamed_archive_is_read_without_sizes(tmp_path):
    """Sizes that come after the bytes leave the first names readable."""
    buffer = io.BytesIO()

    class Stream(io.RawIOBase):
        """A place that cannot be sought in."""

        def writable(self):
            return True

        def write(self, data):
            return buffer.write(data)

    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("_rels/.rels", "<a/>" * 9)
        made.writestr("xl/workbook.xml", "<b/>" * 9)

    assert sniff(buffer.getvalue()[:HEAD]) is None


def test_the_content_outweighs_the_name(tmp_path):
    """A JPEG called .txt is a picture, a text called .jpg is a text."""
    picture = media.jpeg(tmp_path / "a.txt").read_bytes()
    text = media.text(tmp_path / "a.jpg", "一只青蛙。").read_bytes()

    assert sniff(picture[:HEAD]) == (Modality.IMAGE, "image/jpeg")
    assert sniff(text) == (Modality.TEXT, "text/plain")


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


KINDS = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "apng": "image/apng",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "avif": "image/avif",
    "jp2": "image/jp2",
    "ppm": "image/x-portable-anymap",
    "ico": "image/x-icon",
    "icns": "image/icns",
    "dds": "image/vnd-ms.dds",
    "pcx": "image/x-pcx",
    "sgi": "image/sgi",
    "qoi": "image/x-qoi",
    "heic": "image/heic",
    "psd": "image/vnd.adobe.photoshop",
    "ras": "image/x-sun-raster",
    "xpm": "image/x-xpixmap",
    "svg": "image/svg+xml",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "wma": "audio/x-ms-wma",
    "ac3": "audio/ac3",
    "tta": "audio/x-tta",
    "wv": "audio/x-wavpack",
    "caf": "audio/x-caf",
    "au": "audio/basic",
    "amr": "audio/amr",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "mpg": "video/mpeg",
    "ts": "video/mp2t",
    "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv",
    "txt": "text/plain",
    "html": "text/html",
    "md": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "ass": "text/x-ssa",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_real_file_of_each_format_is_recognised(name):
    """What keeps sentences from being media takes no medium for a sentence."""
    found = sniff(SEEDS[name](3)[:HEAD])

    assert found is not None
    assert found[1] == KINDS[name.rpartition(".")[2]]


@pytest.mark.parametrize("magic", [b"P1", b"P2", b"P3"])
def test_a_picture_written_in_numbers_is_a_picture(magic):
    """A plain anymap is text by its bytes, with a header of numbers and comments alone."""
    head = magic + b"\n# a frog\n2 2\n1\n0 1\n1 0\n"

    assert sniff(head) == (Modality.IMAGE, "image/x-portable-anymap")


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
