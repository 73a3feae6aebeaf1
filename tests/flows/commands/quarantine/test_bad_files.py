"""What becomes of files that cannot be used, from run to run."""

from __future__ import annotations

import errno
import json
import os

import pytest
from PIL import Image

from mmcore.errors import SourceError, TooManyBadFilesError
from mmcore.media import crawl, shaping
from storage.layout import Layout
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import commands, media
from tests.flows.commands.quarantine.broken import break_picture


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


def rows(lake):
    """The published quarantine by path."""
    return {row["path"]: row for row in Snapshot.open(Layout(lake)).rows("quarantine").to_pylist()}


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
