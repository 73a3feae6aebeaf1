"""What `mmindex inspect` says of files, to people and to programs."""

import json
import os
from io import StringIO

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

from flows.commands.inspect import show as show_inspect
from flows.commands.inspect.cli import BAD_FILES
from mmcore.decoding.pool import POOL
from mmcore.inspection import look
from mmcore.inspection.look import Found, Inspected, Reading
from mmcore.media import shaping
from mmcore.types import MediaFile, Rejection, Span
from storage.schemas import Modality, content_id
from tests import media
from tests.commands import command_line
from tests.declared import declare
from tests.made import documents, images
from tests.mmcore.decoding import hostile

FOX = "我们在山上看见一只很大的狐狸，它正在雪地里慢慢地走。天气很冷，可是阳光明媚。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of every medium, whole and broken."""
    folder = tmp_path_factory.mktemp("files")
    media.jpeg(folder / "lying.jpg", media.noise(), orientation=6)
    whole = (folder / "lying.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    images.tiff(folder / "scan.tif", media.noise(), media.noise(seed=1), media.noise(seed=2))
    images.break_page(folder / "scan.tif", 1)
    media.wav(folder / "tone.wav", 23)
    media.mp4(folder / "film.mp4", 3)
    media.text(folder / "fox.txt", FOX * 20)
    documents.pdf(folder / "report.pdf", ["A report about foxes.", "They live in the snow."])
    return folder


@pytest.fixture
def run(monkeypatch, capsys, folder):
    """Run `mmindex inspect …` in the folder: exit code, standard output, standard error."""
    monkeypatch.chdir(folder)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return command_line(monkeypatch, capsys, "inspect")


@pytest.fixture
def told(run):
    """What a file is in JSON."""

    def told(*arguments):
        _, out, _ = run(*arguments, "--json")
        (found,) = json.loads(out)["files"]
        return found

    return told


def test_a_picture_is_told_by_content_size_and_pixels(told, folder):
    """Width and height are those of the upright picture."""
    found = told("lying.jpg")

    raw = (folder / "lying.jpg").read_bytes()
    assert (found["media_type"], found["size"]) == ("image/jpeg", len(raw))
    assert found["content_id"] == content_id(raw)
    assert found["pixels"] == [32, 48]
    (reading,) = found["readings"]
    assert (reading["modality"], reading["encoder"]) == ("image", "efficientnet-lite0")
    assert [piece["segmentation"] for piece in reading["pieces"]] == ["whole"]
    assert 0 < reading["took"] < 60


def test_a_page_that_cannot_be_used_is_told_beside_the_others(told, run):
    """The file can be used; the broken page has its reason and its place."""
    found = told("scan.tif")
    code, out, _ = run("scan.tif")

    (reading,) = found["readings"]
    assert [piece["span"] for piece in reading["pieces"]] == [[0, 1, "page"], [2, 3, "page"]]
    (refused,) = reading["refused"]
    assert (refused["stage"], refused["span"]) == ("image", [1, 2, "page"])
    assert code == 0
    assert "page 2  image/" in out


@pytest.mark.parametrize(
    ("name", "reason", "means"),
    [
        ("cut.jpg", "truncated", {"en": "It ends early", "zh": "文件不完整"}),
        ("empty.jpg", "empty", {"en": "zero bytes", "zh": "文件为空"}),
    ],
)
def test_a_file_that_cannot_be_used_has_a_reason_in_both_languages(run, name, reason, means):
    """The catalogue's sentence; the exit code is 4, also where others can be used."""
    for language, sentence in means.items():
        code, out, _ = run(name, "lying.jpg", "--lang", language)

        assert code == BAD_FILES == 4
        assert f"/{reason}" in out
        assert sentence in out


def test_the_locale_chooses_the_language(run, monkeypatch):
    """As in `mmindex quarantine`."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")

    assert "文件为空" in run("empty.jpg")[1]


def test_a_sound_has_its_windows_with_what_they_are(told, run):
    """Length, spans and kinds; people read minutes and seconds."""
    found = told("tone.wav")
    _, out, _ = run("tone.wav")

    assert found["seconds"] == pytest.approx(23)
    pieces = found["readings"][0]["pieces"]
    assert [piece["span"][0] for piece in pieces] == [0, 10, 20]
    assert {piece["kind"] for piece in pieces} == {"music"}
    assert "0:10–0:20 · music" in out
    assert "· 0:23" in out


def test_a_video_is_read_by_three_encoders(told):
    """Its frames first, then its subtitles and its sound."""
    readings = told("film.mp4")["readings"]

    assert [reading["modality"] for reading in readings] == ["video", "text", "audio"]
    assert [len(reading["pieces"]) for reading in readings] == [2, 0, 1]
    assert readings[2]["pieces"][0]["source"] == "track:0"


def test_texts_are_whole_for_programs_and_short_for_people(told, run):
    """On a terminal two lines of a piece, and ten pieces of a file, are shown."""
    pieces = told("fox.txt", "--set", "segmentation.text_chars=80")["readings"][0]["pieces"]
    _, out, _ = run("fox.txt", "--set", "segmentation.text_chars=80")

    assert "".join(piece["text"] for piece in pieces).count("狐狸") >= 20
    assert {piece["language"] for piece in pieces} == {"zh"}
    assert f"and {len(pieces) - show_inspect.MOST} more" in out
    assert out.count("characters ") == show_inspect.MOST


def test_the_page_of_a_document_is_named(run):
    """Pages are counted from 1, as people do."""
    _, out, _ = run("report.pdf")

    assert "page 1 · en" in out
    assert "They live in the snow." in out


def test_words_are_shown_with_their_parts_of_speech(told, run, tmp_path):
    """By jieba, and by the dictionaries that the settings name."""
    words = tmp_path / "words.txt"
    words.write_text("大的狐狸 100000 nz\n", "utf-8")
    dictionaries = f"segmentation.text_dictionaries={json.dumps([str(words)])}"

    plain = told("fox.txt", "--words")["readings"][0]["pieces"][0]["words"]
    known = told("fox.txt", "--words", "--set", dictionaries)["readings"][0]["pieces"][0]["words"]

    assert {"word": "狐狸", "flag": "n"} in plain
    assert {"word": "大的狐狸", "flag": "nz"} in known
    assert "狐狸/n" in run("fox.txt", "--words")[1]
    assert "words" not in told("fox.txt")["readings"][0]["pieces"][0]


def test_settings_are_those_of_a_run(told, run):
    """A limit refuses, and what is no setting is an error before any work."""
    refused = told("lying.jpg", "--set", "limits.max_pixels=100")

    assert refused["readings"][0]["refused"][0]["reason"] == "too-many-pixels"
    code, out, err = run("lying.jpg", "--set", "limits.max_pixel=100")
    assert (code, out) == (2, "")
    assert "limits.max_pixel" in err


def test_files_are_decoded_in_another_process(told, monkeypatch):
    """Also where the settings say otherwise: a hostile file must not end the command."""

    def never(*_):
        raise AssertionError("decoded here")

    monkeypatch.setattr(shaping, "cut", never)

    assert told("lying.jpg", "--set", "runtime.isolate=false")["usable"]


@pytest.fixture
def hostile_encoder(monkeypatch, tmp_path):
    """Workers of this test know an encoder that a colour lets crash."""
    POOL.close()
    point = {"hash-image": "tests.mmcore.decoding.hostile:build"}
    declare(monkeypatch, tmp_path / "declared", "mmindex.encoders", point)
    encoder = hostile.Hostile(Modality.IMAGE)
    monkeypatch.setattr(look, "encoders_of", lambda *_: (encoder,))
    yield
    POOL.close()


@pytest.mark.usefixtures("hostile_encoder")
def test_a_crash_costs_one_file(run, tmp_path):
    """The next one is looked into all the same."""
    for name, colour in (("bad", hostile.CRASH), ("good", hostile.GOOD)):
        media.png(tmp_path / f"{name}.png", Image.new("RGB", (8, 8), colour))

    code, out, _ = run(tmp_path / "bad.png", tmp_path / "good.png")

    assert code == BAD_FILES
    assert "image/decoder-crashed" in out
    assert f"✓ {tmp_path / 'good.png'}" in out


def test_nothing_of_a_file_stays(told, monkeypatch, tmp_path):
    """What was made of it for a moment is removed: it may be private."""
    monkeypatch.setattr(look.tempfile, "tempdir", str(tmp_path))

    assert told("fox.txt")["usable"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("none.jpg", "no such file"), (".", "is a folder"), ("s3://bucket/a.jpg", "in a store")],
)
def test_what_is_no_file_is_one_line(run, name, says):
    """Before any other file is looked into."""
    code, out, err = run("lying.jpg", name)

    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes")
def test_a_pipe_is_not_waited_on(run, tmp_path):
    """It is refused as the crawl refuses it."""
    os.mkfifo(tmp_path / "pipe")

    code, out, _ = run(tmp_path / "pipe")

    assert code == BAD_FILES
    assert "crawl/not-a-file" in out


def test_a_link_is_followed(told, folder, tmp_path):
    """Who names one means the file that it points to."""
    link = tmp_path / "link"
    link.symlink_to(folder / "tone.wav")

    assert told(link)["media_type"] == "audio/wav"


def shown(width, language, text, *, words=False):
    """The lines of a text file with one piece, on a terminal of that width."""
    out = StringIO()
    piece = Found("page:3", "chunk-400", Span(0, len(text), "char"), None, "zh", text)
    file = MediaFile("", "a.pdf", "0" * 32, Modality.TEXT, "application/pdf", 10, 0)
    message = "no decoder takes it for what it seems to be, since its header is broken " * 2
    damage = Rejection("", "a.pdf", "0", "text", "decode-error", message, "x", "page:4")
    reading = Reading(Modality.TEXT, "e5", "", (piece,), (damage,), 0.1)
    tag = show_inspect.tagger(()) if words else None
    found = Inspected("a.pdf", 10, file, None, (reading,))
    show_inspect.inspected(Console(file=out, width=width), found, language, tag)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("text", [FOX * 3, "The quick brown fox jumps. " * 12, "x" * 500])
def test_a_terminal_folds_no_line(width, language, text):
    """Texts, words and reasons are broken or cut where the terminal ends, in both languages."""
    lines = shown(width, language, text, words=True)

    assert max(map(cell_len, lines)) <= width
    assert sum(line.rstrip().endswith("…") for line in lines) == 2
    assert any({"en": "page 3", "zh": "第 3 页"}[language] in line for line in lines)
    assert any({"en": "page 4", "zh": "第 4 页"}[language] in line for line in lines)


def test_a_text_is_no_markup_and_no_control():
    """What a hostile file says is shown, not obeyed."""
    lines = shown(80, "en", "[red]stop[/red] \x1b[2J gone")

    assert any("[red]stop[/red] \N{REPLACEMENT CHARACTER}[2J gone" in line for line in lines)


def test_what_readers_find_is_told(told):
    """OCR, once it is asked for, is a reading of its own."""
    pytest.importorskip("rapidocr")

    readings = told("lying.jpg", "--set", "segmentation.ocr=true")["readings"]

    assert [reading["reader"] for reading in readings] == [None, "ocr"]


def test_every_kind_of_sound_has_a_chinese_word():
    """Also those of pictures and videos that are shown."""
    kinds = {"voice", "music", "silence", "sound", "animation", "shot", "subtitle"}

    assert kinds <= show_inspect.WORDS["zh"].keys()
