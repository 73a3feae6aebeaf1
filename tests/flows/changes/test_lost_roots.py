"""Files that cannot be seen for now are not taken for deleted ones."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from mmcore.errors import SourceError, UntoldError
from mmcore.specs import CrawlSpec
from storage.layout import Layout
from storage.published import current
from storage.snapshot import Snapshot
from tasks.names import Names
from tests import media
from tests.flows.changes.counted import Work, forget, put


def two_roots(folder, lake):
    """Options that name a second root, a large one, beside the folder."""
    other = folder.parent / "other"
    for number in range(20):
        put(other / f"{number}.txt", f"Number {number}.")
    return {"media": (str(folder), str(other))}


def empty(folder):
    """An unmounted root is an empty folder."""
    shutil.rmtree(folder)
    folder.mkdir()


def stray(folder):
    """Some file lies in the folder below the mount point."""
    empty(folder)
    put(folder / "stray.txt", "Left here before the disk was mounted.")


LOSSES = {
    "gone": (shutil.rmtree, "not a folder"),
    "empty": (empty, "no file there"),
    "strays": (stray, "7 of 7 published contents of the root '照片'"),
}


@pytest.mark.parametrize("roots", [1, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_root_deletes_nothing(folder, tmp_path, index, loss, roots):
    """Whether it is the only root or the small one of two: the run stops, the lake stays."""
    lake = tmp_path / "lake"
    options = two_roots(folder, lake) if roots > 1 else {}
    (folder / "notes/long.txt").unlink()
    index(folder, lake, **options)
    before = Snapshot.open(Layout(lake))
    make, told = LOSSES[loss]
    make(folder)

    with pytest.raises(SourceError, match=told):
        index(folder, lake, **options)
    assert Snapshot.open(Layout(lake)).manifest == before.manifest


def test_half_a_listing_deletes_nothing(folder, lake, index, monkeypatch):
    """A folder that cannot be listed is an error, however few files it has."""
    scandir = os.scandir

    def broken(path):
        if path == folder / "notes":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", broken)

    with pytest.raises(SourceError, match=r"Input/output error.*notes"):
        index(folder, lake)
    assert current(Layout(lake)) == 1


def test_edited_files_are_not_deleted_ones(folder, lake, index):
    """All captions edited at once are no loss: a file is there for each."""
    for path in folder.rglob("*"):
        if path.suffix == ".txt":
            put(path, f"{path.stem} was edited.")
        elif path.suffix == ".png":
            media.png(path, media.noise(seed=hash(path.name) % 100))

    assert index(folder, lake).status == "published"


def test_as_much_may_go_as_is_accepted(folder, lake, index):
    """Four of eight contents are half; a fifth is more."""
    for name in ("red.png", "red.txt", "red.zh.txt", "green.png"):
        (folder / name).unlink()
    assert index(folder, lake, max_deleted_fraction=0.5).status == "published"

    (folder / "green.txt").unlink()
    with pytest.raises(SourceError, match="1 of 4"):
        index(folder, lake, max_deleted_fraction=0.2)


@pytest.fixture
def mounted(folder, tmp_path, index, monkeypatch) -> Path:
    """The lake of a folder that was a mount point, and is none any more."""
    ismount = os.path.ismount
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: path == str(folder) or ismount(path))
        index(folder, tmp_path / "lake")
    return tmp_path / "lake"


def test_a_lost_mount_stops_a_run_that_would_delete(folder, mounted, index):
    """A disk that is not mounted took one file with it: nothing may go, unless all may."""
    (folder / "red.png").unlink()

    with pytest.raises(SourceError, match="not mounted as it was, and 1 of 8"):
        index(folder, mounted)
    assert index(folder, mounted, max_deleted_fraction=1.0).status == "published"


def test_a_lost_mount_with_all_its_files_is_no_loss(folder, mounted, index):
    """A copy of the disk in its place: an edit takes nothing away, and from now on it is local."""
    put(folder / "red.txt", "An edit takes nothing away.")
    assert index(folder, mounted).status == "published"

    (folder / "red.png").unlink()
    assert index(folder, mounted).status == "published"


@pytest.mark.parametrize("private", [False, True])
def test_a_run_over_unchanged_files_notes_that_their_folder_became_a_mount(
    folder, tmp_path, index, work, monkeypatch, private
):
    """A new snapshot says so, with the same scores, so that a later loss of the mount is seen."""
    lake, ismount = tmp_path / "lake", os.path.ismount
    index(folder, lake, private=private)
    scored = Snapshot.open(Layout(lake)).manifest.evaluation
    forget(work)
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: path == str(folder) or ismount(path))
        result = index(folder, lake, private=private)
        assert index(folder, lake, private=private).status == "unchanged"

    told = Snapshot.open(Layout(lake)).manifest
    assert (result.status, result.snapshot, work) == ("published", 2, Work())
    assert told.evaluation == scored.model_copy(update={"report": 1})
    (folder / "red.png").unlink()
    with pytest.raises((SourceError, UntoldError)) as stopped:
        index(folder, lake, private=private)
    assert "not mounted as it was" in getattr(stopped.value, "told", str(stopped.value))


def test_a_root_that_moved_is_found_and_compared_where_it_lies_now(folder, lake, index, work):
    """The run hashes and embeds nothing, and names the new place; then `forget` finds it there."""
    there = folder.rename(folder.parent / "moved")
    named = {"media": (f"照片={there}",)}
    result = index(there, lake, **named)

    told = Snapshot.open(Layout(lake)).manifest
    assert (result.status, work) == ("published", Work())
    assert told.sources == {"照片": str(there)}
    assert ("照片", "red.png") in Names.of(Layout(lake), [told]).places(str(there / "red.png"))
    assert index(there, lake, **named).status == "unchanged"


def test_an_excluded_mount_is_not_a_lost_one(folder, tmp_path, index, monkeypatch):
    """What is mounted below a root, and left out from now on, goes as any excluded folder."""
    lake, ismount, notes = tmp_path / "lake", os.path.ismount, str(folder / "notes")
    index(folder, lake)
    manifest = Snapshot.open(Layout(lake)).manifest
    mounts = {folder.name: [*manifest.mounts[folder.name], notes]}
    path = Layout(lake).snapshot(1) / "manifest.json"
    path.write_bytes(manifest.model_copy(update={"mounts": mounts}).to_json())
    left_out = CrawlSpec(exclude=("notes",))

    with pytest.raises(SourceError, match="notes is not mounted"):
        index(folder, lake, crawl=left_out)
    monkeypatch.setattr(os.path, "ismount", lambda path: path == notes or ismount(path))
    assert index(folder, lake, crawl=left_out).status == "published"
