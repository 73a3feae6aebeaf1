"""What becomes of files that cannot be used, and what `mmindex quarantine` says of them."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

import pytest
from PIL import Image

from mmcore.errors import SourceError, TooManyBadFilesError
from mmcore.media import crawl, shaping
from mmcore.types import Span
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot, current
from tests import commands, crashes, media
from tests.quarantined import page, quarantined, refused, stopped

OLD = 1_600_000_000  # seconds: long before any run


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    logging.disable(logging.INFO)
    yield crashes.plain_index(monkeypatch)
    logging.disable(logging.NOTSET)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures with two captions, and one broken picture; all old."""
    crashes.make_folder(tmp_path / "photos")
    age(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The paths of what is decoded from now on, in order."""
    seen, cut = [], shaping.cut

    def cutting(content, *rest):
        seen.append(content.path)
        return cut(content, *rest)

    monkeypatch.setattr(shaping, "cut", cutting)
    return seen


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The paths of what is read for its hash from now on."""
    seen, reading = [], crawl._read

    def noting(looking, entry):
        seen.append(entry.path)
        return reading(looking, entry)

    monkeypatch.setattr(crawl, "_read", noting)
    return seen


def age(folder):
    """Make all files old enough for their times to be trusted."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, (OLD, OLD))


def rows(lake):
    """The published quarantine by path."""
    return {row["path"]: row for row in Snapshot.open(Layout(lake)).rows("quarantine").to_pylist()}


def break_picture(path):
    """Write what begins like a picture, old, with bytes of its own."""
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture, " + path.name.encode())
    os.utime(path, (OLD, OLD))


def test_a_bad_file_keeps_its_first_sight(folder, tmp_path, index):
    """A second bad file writes the table anew: the old one was seen first when it was."""
    lake = tmp_path / "lake"
    index(folder, lake)
    before = rows(lake)["broken.jpg"]
    break_picture(folder / "another.jpg")
    index(folder, lake)
    after = rows(lake)

    assert after["broken.jpg"]["first_seen"] == before["first_seen"]
    assert after["broken.jpg"]["last_seen"] > before["last_seen"]
    assert after["another.jpg"]["first_seen"] == after["broken.jpg"]["last_seen"]


def test_an_unchanged_quarantine_publishes_nothing(folder, tmp_path, index, decoded):
    """A bad file is no reason to work: it is neither decoded again nor written again."""
    lake = tmp_path / "lake"
    index(folder, lake)
    before = rows(lake)
    decoded.clear()

    assert index(folder, lake).status == "unchanged"
    assert decoded == []
    assert rows(lake) == before


def test_a_mended_file_leaves_the_table(folder, tmp_path, index, decoded):
    """It alone is decoded, it has a vector, and nothing is in quarantine."""
    lake = tmp_path / "lake"
    index(folder, lake)
    decoded.clear()
    media.png(folder / "broken.jpg", Image.new("RGB", (8, 8), "white"))

    assert index(folder, lake).status == "published"
    assert decoded == ["broken.jpg"]
    assert rows(lake) == {}
    assert len(Snapshot.open(Layout(lake)).cells(Modality.IMAGE)[0]) == 4


def test_a_deleted_file_leaves_the_table(folder, tmp_path, index):
    """What is not there is not in quarantine."""
    lake = tmp_path / "lake"
    index(folder, lake)
    (folder / "broken.jpg").unlink()
    index(folder, lake)

    assert rows(lake) == {}


def test_a_newer_decoder_tries_again_what_was_refused(
    folder, tmp_path, index, decoded, monkeypatch
):
    """Exactly that: what it refuses again keeps its first sight, what it reads leaves."""
    lake = tmp_path / "lake"
    break_picture(folder / "another.jpg")
    index(folder, lake)
    before = rows(lake)["broken.jpg"]
    decoded.clear()
    newer_decoders(monkeypatch)
    cut = shaping.cut

    def reading(content, encoder, *rest):
        if content.path == "another.jpg":
            content = media_of(content, folder / "red.png")
        return cut(content, encoder, *rest)

    monkeypatch.setattr(shaping, "cut", reading)
    assert index(folder, lake).status == "published"
    after = rows(lake)

    assert sorted(decoded) == ["another.jpg", "broken.jpg"]
    assert after.keys() == {"broken.jpg"}
    assert after["broken.jpg"]["first_seen"] == before["first_seen"]
    assert after["broken.jpg"]["decoder"] != before["decoder"]
    decoded.clear()
    assert index(folder, lake).status == "unchanged"
    assert decoded == []


def newer_decoders(monkeypatch):
    """Raise the version of the code around all decoders."""
    from mmcore.media import decoders

    newer = {modality: number + 1 for modality, number in decoders._READING.items()}
    monkeypatch.setattr(decoders, "_READING", newer)
    decoders._named.cache_clear()
    monkeypatch.setattr(decoders, "_named", decoders._named.__wrapped__)


def media_of(content, place):
    """A content, read from another place."""
    from dataclasses import replace

    return replace(content, location=str(place))


def test_a_broken_file_loses_none_of_its_neighbours(tmp_path, index):
    """In one shard with it, all others have their vectors."""
    folder = tmp_path / "photos"
    for number in range(6):
        media.png(folder / f"{number}.png", Image.new("RGB", (8, 8), (40 * number, 0, 0)))
        break_picture(folder / f"{number}-broken.jpg")
    index(folder, tmp_path / "lake", max_bad_fraction=0.9)
    snapshot = Snapshot.open(Layout(tmp_path / "lake"))

    assert len(rows(tmp_path / "lake")) == 6
    assert len(snapshot.cells(Modality.IMAGE)[0]) == 6


def test_too_many_bad_files_publish_nothing_and_can_be_seen(
    folder, tmp_path, index, monkeypatch, capsys
):
    """The run ends with exit code 4; what it refused is listed, the old snapshot serves."""
    lake = tmp_path / "lake"
    run = commands.plain_commands(monkeypatch, capsys)
    index(folder, lake)
    for number in range(9):
        break_picture(folder / f"{number}.jpg")

    with pytest.raises(TooManyBadFilesError, match="10 of 15 files") as many:
        index(folder, lake)
    assert many.value.exit_code == 4
    assert current(Layout(lake)) == 1
    listed = json.loads(run("quarantine", "--lake", lake, "--stopped", "--json").out)
    assert listed["files"] == 10
    assert "10 of 15 files" in listed["stopped"]
    assert json.loads(run("quarantine", "--lake", lake, "--json").out)["stopped_later"] is True
    assert index(folder, lake, max_bad_fraction=0.9).status == "published"
    assert json.loads(run("quarantine", "--lake", lake, "--json").out)["stopped_later"] is False


def test_a_first_run_that_is_stopped_can_be_seen(folder, tmp_path, index, monkeypatch, capsys):
    """Nothing is published: then the run that was stopped is meant."""
    run = commands.plain_commands(monkeypatch, capsys)
    with pytest.raises(TooManyBadFilesError):
        index(folder, tmp_path / "lake", max_bad_fraction=0.0)

    answer = run("quarantine", "--lake", tmp_path / "lake", "--lang", "en")

    assert answer.code == 0
    assert "broken.jpg" in answer.out
    assert "1 of 6 files" in answer.out


def test_links_stay_in_quarantine_and_cost_nothing(folder, tmp_path, index, read, decoded):
    """A permanent link, pipe or loop is told, and no reason to look at any file again."""
    (folder / "out").symlink_to("/etc")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    index(folder, tmp_path / "lake", max_bad_fraction=0.2)
    told = {path: row["reason"] for path, row in rows(tmp_path / "lake").items()}
    read.clear()
    decoded.clear()

    assert {path: told[path] for path in ("out", "loop", "gone.png", "pipe.png")} == {
        "out": "link-outside",
        "loop": "link-loop",
        "gone.png": "dangling-link",
        "pipe.png": "not-a-file",
    }
    assert index(folder, tmp_path / "lake").status == "unchanged"
    assert (read, decoded) == ([], [])


def test_a_folder_that_becomes_unreadable_deletes_nothing(folder, tmp_path, index, monkeypatch):
    """A new one is told and the run goes on; one that has published files stops it."""
    lake = tmp_path / "lake"
    media.png(folder / "kept/a.png")
    media.png(folder / "new/b.png")
    locked = {folder / "new"}
    scandir = os.scandir

    def listing(place):
        if place in locked:
            raise OSError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", listing)
    index(folder, lake)
    assert rows(lake)["new"]["reason"] == "unreadable-folder"

    locked.add(folder / "kept")
    with pytest.raises(SourceError, match=r"'kept' \(published files in it: 1\)"):
        index(folder, lake)
    assert current(Layout(lake)) == 1

    locked.clear()
    assert index(folder, lake).status == "published"
    assert rows(lake).keys() == {"broken.jpg"}


@pytest.fixture
def run(monkeypatch, capsys):
    """A command line in this process."""
    return commands.plain_commands(monkeypatch, capsys)


@pytest.fixture
def lake(tmp_path) -> Path:
    """A lake with five bad files of four kinds."""
    rejections = [
        refused("一/猫.jpg"),
        refused("一/狗.jpg"),
        refused("scan.pdf", "text", "no-text", span=page(2), source="self"),
        refused("clip.mp4", "audio", "cut-off", span=Span(3.0, 9.5, "second"), source="self"),
        refused("odd.xyz", "image", "of-a-plug-in", message="[red]the plug-in\x1b says"),
    ]
    quarantined(tmp_path / "lake", rejections)
    return tmp_path / "lake"


def test_groups_say_what_each_reason_means_and_what_to_do(run, lake):
    """The most frequent first, with names."""
    said = run("quarantine", "--lake", lake, "--lang", "en").out

    assert said.startswith("quarantine of snapshot 1: 5 files, 5 rows")
    assert said.index("2  image/decode-error") < said.index("1  text/no-text")
    assert "The decoder gave up on it" in said
    assert "→ Open it in another program" in said
    assert "一/猫.jpg" in said


def test_the_same_in_chinese(run, lake, monkeypatch):
    """By the option, or by the locale: of its variables the first that is set counts."""
    chosen = run("quarantine", "--lake", lake, "--lang", "zh").out
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    by_locale = run("quarantine", "--lake", lake).out
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    assert "快照 1 的隔离区：5 个文件，5 行" in chosen
    assert "解码器无法解码" in chosen
    assert by_locale == chosen
    assert "The decoder gave up" in run("quarantine", "--lake", lake).out


def test_a_third_partys_reason_has_its_own_message(run, lake):
    """As it is, with no markup read and nothing that a terminal obeys."""
    for language in ("en", "zh"):
        said = run("quarantine", "--lake", lake, "--lang", language).out
        assert "image/of-a-plug-in" in said
        assert "[red]the plug-in\N{REPLACEMENT CHARACTER} says" in said


def test_a_list_has_all_that_is_known(run, lake):
    """Message, decoder, content, place and times of each row."""
    said = run("quarantine", "--lake", lake, "--list", "--lang", "en").out

    for fact in (
        "scan.pdf",
        "page 3",
        "3.0–9.5 s",
        "pillow 12",
        "it ends early",
        "0123456789abcdef0123456789abcdef",
        "2026-11-20 08:30 – 2026-11-25 08:30 UTC",
    ):
        assert fact in said


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        (["--reason", "no-text"], ["scan.pdf"]),
        (["--stage", "image", "--stage", "audio", "--reason", "cut-off"], ["clip.mp4"]),
        (["photos/scan.pdf"], ["scan.pdf"]),
        (["一"], ["一/狗.jpg", "一/猫.jpg"]),
        (["photos/一/"], ["一/狗.jpg", "一/猫.jpg"]),
        (["/media/photos/clip.mp4"], ["clip.mp4"]),
        (["*.jpg", "clip.mp4"], ["clip.mp4", "一/狗.jpg", "一/猫.jpg"]),
        (["photos", "--stage", "text"], ["scan.pdf"]),
        (["nothing"], []),
    ],
)
def test_rows_are_chosen_by_stage_reason_and_path(run, lake, arguments, paths):
    """A path is a file, a folder, a root or a glob; of each kind of filter one has to fit."""
    told = json.loads(run("quarantine", *arguments, "--lake", lake, "--json").out)

    assert [row["path"] for row in told["rows"]] == paths


def test_json_has_every_column(run, lake):
    """Of every row, and the groups with their words."""
    told = json.loads(run("quarantine", "--lake", lake, "--json", "--lang", "zh").out)
    table = Snapshot.open(Layout(lake)).rows("quarantine")

    assert [row.keys() for row in told["rows"]] == [set(table.column_names)] * 5
    assert told["rows"][0]["first_seen"] == "2026-11-20T08:30:00+00:00"
    assert told["groups"][0]["means"].startswith("解码器")
    assert [group["files"] for group in told["groups"]] == [2, 1, 1, 1]


def test_an_empty_quarantine_is_said(run, tmp_path):
    """With exit code 0, and so is a filter that nothing fits."""
    quarantined(tmp_path / "lake", [])
    answer = run("quarantine", "--lake", tmp_path / "lake", "--lang", "en")
    chinese = run("quarantine", "--lake", tmp_path / "lake", "--lang", "zh")

    assert (answer.code, answer.out) == (0, "nothing is in quarantine\n")
    assert (chinese.code, chinese.out) == (0, "隔离区为空\n")


def test_a_path_that_nothing_fits_says_how_much_is_there(run, lake):
    """So that a slip of the pen is not taken for an empty quarantine."""
    answer = run("quarantine", "elsewhere", "--lake", lake, "--lang", "en")

    assert (answer.code, answer.out) == (0, "nothing in quarantine is so; 5 rows are there\n")


@pytest.mark.parametrize("filters", [["--reason", "no-test"], ["--stage", "txt", "--list"]])
def test_a_reason_that_is_not_there_is_answered_by_those_that_are(run, lake, filters):
    """So is a stage; with how many files each has."""
    answer = run("quarantine", "--lake", lake, *filters, "--lang", "en")

    assert answer.code == 0
    assert answer.out.splitlines() == [
        "nothing in quarantine is so; these reasons are there:",
        "    image/decode-error  2 files",
        "    audio/cut-off  1 file",
        "    image/of-a-plug-in  1 file",
        "    text/no-text  1 file",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--lang", "fr"], "use en or zh"), (["--stopped"], "no run was stopped")],
)
def test_what_cannot_be_is_exit_code_2(run, lake, arguments, said):
    """A language that there is not, a stopped run that there was not."""
    answer = run("quarantine", "--lake", lake, *arguments)

    assert answer.code == 2
    assert said in answer.err


def test_a_stopped_run_is_told_beside_what_serves(run, lake):
    """The published quarantine is shown, and that a later run could not use more."""
    stopped(lake, [refused("new.jpg")], "3 of 4 files could not be used")

    assert "new.jpg" not in run("quarantine", "--lake", lake).out
    told = run("quarantine", "--lake", lake, "--stopped", "--lang", "en").out
    assert "quarantine of a run that was not published: 1 file, 1 row" in told
    assert "3 of 4 files could not be used" in told
    assert "new.jpg" in told


def test_a_private_lake_shows_hashes_and_finds_a_name_by_its_key(folder, tmp_path, index, run):
    """No name and no message of a decoder is told; the person who knows the name finds its row."""
    lake = tmp_path / "lake"
    index(folder, lake, private=True)
    for more in ([], ["--list"], ["--json"]):
        said = run("quarantine", "--lake", lake, "--lang", "en", *more).out
        assert "broken" not in said
        assert "JPEG" not in said
    found = json.loads(run("quarantine", folder / "broken.jpg", "--lake", lake, "--json").out)
    other = json.loads(run("quarantine", folder / "red.png", "--lake", lake, "--json").out)

    assert "private: names are hashes" in run("quarantine", "--lake", lake, "--lang", "en").out
    assert (found["private"], found["files"], other["files"]) == (True, 1, 0)


def test_a_stopped_run_forgets_and_is_maintained_like_any_other(folder, tmp_path, index, run):
    """`maintain` keeps what is told of it for a while; `forget` takes a name out of it."""
    lake = tmp_path / "lake"
    index(folder, lake, max_bad_fraction=0.9)
    break_picture(folder / "another.jpg")
    with pytest.raises(TooManyBadFilesError):
        index(folder, lake, max_bad_fraction=0.1)

    assert run("maintain", "--lake", lake).code == 0
    assert "another.jpg" in run("quarantine", "--lake", lake, "--stopped").out
    assert run("forget", folder / "broken.jpg", "--lake", lake, "--yes").code == 0
    assert run("quarantine", "--lake", lake, "--stopped").code == 2
    assert run("quarantine", "--lake", lake, "--lang", "en").out == "nothing is in quarantine\n"


@pytest.mark.slow
def test_the_command_takes_a_url(folder, index, run, s3):
    """The quarantine of a lake in a store, published or stopped, is read like any other."""
    lake = f"{s3.bucket()}/lake"
    index(folder, lake)
    break_picture(folder / "another.jpg")
    with pytest.raises(TooManyBadFilesError):
        index(folder, lake, max_bad_fraction=0.1)

    assert "broken.jpg" in run("quarantine", "--lake", lake).out
    assert "another.jpg" not in run("quarantine", "--lake", lake).out
    assert "another.jpg" in run("quarantine", "--lake", lake, "--stopped").out
