"""Tests of mmcore/media/sniff.py: pictures, sounds, videos and documents by their bytes."""

import io
import struct
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


def test_the_name_plays_no_part(tmp_path):
    """A GIF is a GIF whatever it is called."""
    path = tmp_path / "frog.png"
    Image.new("L", (2, 2)).save(path, "GIF")

    assert sniff(path.read_bytes()) == (Modality.IMAGE, "image/gif")


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
