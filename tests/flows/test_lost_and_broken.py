"""What a run makes of files that are lost, copied, broken or its own: no server, no weights."""

import shutil

import pytest

from mmcore.errors import SourceError, TooManyBadFilesError
from mmcore.specs import LimitsSpec
from storage.layout import Layout
from storage.published import current
from storage.snapshot import Snapshot
from tests import crashes, media
from tests.flows.test_index_media import make_folder


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders of all media that hash."""
    run = crashes.plain_index(monkeypatch)
    crashes.use_hash_encoders(monkeypatch.setattr)
    return run


@pytest.fixture
def made(tmp_path, index):
    """A folder and its lake."""
    folder = make_folder(tmp_path / "媒体")
    index(folder, tmp_path / "lake")
    return folder, tmp_path / "lake"


def test_a_lost_root_deletes_nothing(made, index):
    """When most contents are gone the run stops, and the old snapshot serves on."""
    folder, lake = made
    for file in folder.glob("*.txt"):
        file.unlink()
    for file in folder.glob("*.png"):
        file.unlink()

    with pytest.raises(SourceError, match="gone"):
        index(folder, lake)

    assert current(Layout(lake)) == 1


def test_a_root_that_is_not_named_is_not_deleted(made, index):
    """The lake's other roots are named each run, or taken out on purpose."""
    folder, lake = made
    other = media.text(folder.parent / "other" / "note.txt", "A note on a wall.").parent

    with pytest.raises(SourceError, match="--drop 媒体"):
        index(other, lake)
    result = index(other, lake, drop=("媒体",))

    assert result.status == "published"
    assert result.items == 1


def test_a_lake_inside_its_root_is_not_indexed(tmp_path, index):
    """What was made of media is not media: the second run finds nothing new."""
    folder = tmp_path / "media"
    media.text(folder / "note.txt", "A note on a wall.")

    first, second = (index(folder, folder / "lake") for _ in range(2))

    assert (first.status, second.status) == ("published", "unchanged")
    assert second.items == 1


def test_every_copy_of_a_bad_file_is_named_where_it_is_now(made, index):
    """Quarantine follows files: a copy has a row of its own, a moved file its new name."""
    folder, lake = made
    shutil.copy(folder / "broken.jpg", folder / "copy.jpg")
    (folder / "broken.jpg").rename(folder / "moved.jpg")

    index(folder, lake)

    quarantine = Snapshot.open(Layout(lake)).rows("quarantine")
    assert sorted(quarantine["path"].to_pylist()) == ["copy.jpg", "moved.jpg"]


def test_a_folder_without_media_is_no_lake(tmp_path, index):
    """Files of other kinds alone are most likely the wrong folder."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "blob.bin").write_bytes(bytes(range(256)) * 9)

    with pytest.raises(SourceError, match="no picture, text, sound or video"):
        index(tmp_path / "media", tmp_path / "lake")


def test_too_many_bad_files_publish_nothing(tmp_path, index):
    """A folder of broken pictures stops the run with an example and leaves no snapshot."""
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes([number]) * 20)

    with pytest.raises(TooManyBadFilesError, match=r"4 of 4 files.*\.jpg"):
        index(folder, tmp_path / "lake")

    assert current(Layout(tmp_path / "lake")) is None


def test_a_raised_limit_that_still_refuses_leaves_one_row(tmp_path, index):
    """Quarantine says what refuses a file now, not what refused it under every older limit."""
    media.wav(tmp_path / "media" / "long.wav", 2.0)
    media.text(tmp_path / "media" / "note.txt", "A note on a wall.")
    for seconds in (0.1, 0.2, 0.3):
        limits = LimitsSpec(max_seconds=seconds)
        index(tmp_path / "media", tmp_path / "lake", limits=limits)

    (row,) = Snapshot.open(Layout(tmp_path / "lake")).rows("quarantine").to_pylist()
    assert (row["reason"], row["message"]) == ("too-long", "2 seconds, the limit is 0.3")
