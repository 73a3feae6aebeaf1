"""Tests of mmcore/media/watching.py: a real file system, real events, real listings."""

import os
import time
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import SimpleNamespace

import pytest
from watchfiles._rust_notify import WatchfilesRustInternalError

from mmcore.media import watching
from mmcore.media.watching import (
    Changed,
    Failed,
    Heard,
    Matters,
    Watched,
    differing,
    started,
    unheard,
)
from mmcore.specs import CrawlSpec
from mmcore.types import Source

PATIENCE = 20.0  # seconds that a test waits for what must come


@contextmanager
def listened(folder, how, spec=None, every=0.1):
    """News of a root that is watched, once it is ready; its thread has ended afterwards."""
    news = SimpleQueue()
    lake = folder / "lake"
    root = Watched(Source("m", str(folder)), spec or CrawlSpec(), lake, news.put, every)
    thread = started(root, how)
    assert root.ready.wait(PATIENCE)
    try:
        yield news
    finally:
        root.stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(news, wanted):
    """The news up to the one that is ``wanted``."""
    seen = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            seen.append(news.get(timeout=0.2))
        except Empty:
            continue
        if wanted(seen[-1]):
            return seen
    raise AssertionError(f"it was never told; told were {seen}")


def path_is(path):
    """Whether news are of this path."""
    return lambda one: isinstance(one, Changed) and one.path == path


@pytest.fixture
def folder(tmp_path):
    """A root with a file in a folder."""
    (tmp_path / "m" / "sub").mkdir(parents=True)
    (tmp_path / "m" / "sub" / "old.txt").write_text("old")
    return tmp_path / "m"


def test_events_tell_of_new_changed_renamed_and_deleted_files(folder):
    """Each under its path below the root."""
    with listened(folder, "events") as news:
        until(news, lambda one: one == Heard("m", "events"))
        (folder / "sub" / "new.txt").write_text("new")
        until(news, path_is("sub/new.txt"))
        (folder / "sub" / "old.txt").write_text("other")
        until(news, path_is("sub/old.txt"))
        (folder / "sub" / "new.txt").rename(folder / "狗.txt")
        until(news, path_is("狗.txt"))
        (folder / "狗.txt").unlink()
        until(news, path_is("狗.txt"))


def test_events_tell_of_a_folder_that_is_moved_in_and_of_what_changes_in_it(folder, tmp_path):
    """Its files are watched from then on."""
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "other" / "deep" / "a.txt").write_text("a")
    with listened(folder, "events") as news:
        (tmp_path / "other").rename(folder / "other")
        until(news, path_is("other"))
        (folder / "other" / "deep" / "a.txt").write_text("b")
        until(news, path_is("other/deep/a.txt"))


def test_a_root_that_goes_and_comes_back_is_watched_again(folder, tmp_path):
    """What happens to the folder under another name meanwhile is no news of the root."""
    with listened(folder, "events") as news:
        folder.rename(tmp_path / "away")
        until(news, lambda one: one == Heard("m", "absent"))
        (tmp_path / "away").rename(folder)
        until(news, lambda one: one == Heard("m", "events"))
        until(news, path_is(""))
        (folder / "again.txt").write_text("a")
        until(news, path_is("again.txt"))


@pytest.mark.parametrize("kind", [OSError, WatchfilesRustInternalError])
def test_where_the_system_cannot_watch_it_lists_and_says_why(folder, monkeypatch, kind):
    """A limit of the system is no end of the watch."""

    def full(*_, **__):
        raise kind("OS file watch limit reached")

    monkeypatch.setattr(watching, "watch", full)
    with listened(folder, "auto") as news:
        (heard,) = [
            one for one in until(news, lambda n: isinstance(n, Heard)) if one != Changed("m")
        ]
        (folder / "new.txt").write_text("new")
        until(news, path_is(""))

    assert heard.how == "polling"
    assert "max_user_watches" in heard.why


@pytest.mark.parametrize("change", ["new", "grown", "gone", "touched"])
def test_listings_tell_in_which_folder_something_changed(folder, change):
    """By names, sizes and times; and how long they will hear nothing more."""
    old = folder / "sub" / "old.txt"
    with listened(folder, "polling", every=0.3) as news:
        {
            "new": lambda: (folder / "sub" / "new.txt").write_text("new"),
            "grown": lambda: old.write_text("older"),
            "gone": old.unlink if change == "gone" else None,
            "touched": lambda: os.utime(old, (1, 1)),
        }[change]()
        if change == "gone":  # nothing is left: the root shows nothing
            until(news, lambda one: one == Heard("m", "absent"))
        told = until(news, path_is("sub"))

    assert told[-1].ahead >= 0.3


def test_listings_tell_of_a_root_that_goes_and_comes_back(folder, tmp_path):
    """Once each: a root that stays away is no news."""
    with listened(folder, "polling") as news:
        folder.rename(tmp_path / "away")
        until(news, lambda one: one == Heard("m", "absent"))
        until(news, path_is("sub"))
        time.sleep(0.5)
        quiet = news.empty()
        (tmp_path / "away").rename(folder)
        until(news, lambda one: isinstance(one, Heard) and one.how == "polling")
        until(news, path_is("sub"))

    assert quiet


def test_a_fault_of_ours_is_told_and_ends_no_thread_in_silence(folder, monkeypatch):
    """Who waits for news gets the error."""
    monkeypatch.setattr(watching, "unheard", lambda _: 1 / 0)
    with listened(folder, "auto") as news:
        (failed,) = until(news, lambda one: isinstance(one, Failed))

    assert isinstance(failed.error, ZeroDivisionError)


def matters(folder, **crawl):
    """What counts below ``folder``, whose lake is ``folder/lake``."""
    source = Source("m", str(folder))
    return Matters(Watched(source, CrawlSpec(**crawl), folder / "lake", print, 1.0))


@pytest.mark.parametrize(
    "path",
    [".hidden", "sub/.git/x", "a.part", "@eaDir/x.jpg", "lake/CURRENT", "lake", "Thumbs.db"],
)
def test_junk_and_the_lake_are_no_news(folder, path):
    """A run would not look at it; of its own writing it must not hear."""
    assert matters(folder).path(f"{folder}/{path}") is None


def test_any_lake_is_no_news(folder):
    """Another lake inside of the root is not media either."""
    (folder / "sub" / "old-lake" / "snapshots").mkdir(parents=True)
    assert matters(folder).path(f"{folder}/sub/old-lake/x") == "sub/old-lake/x"
    (folder / "sub" / "old-lake" / "CURRENT").write_text("1")
    assert matters(folder).path(f"{folder}/sub/old-lake/x") is None


def test_globs_decide_as_in_a_run(folder):
    """Excluded is no news; of includes, folders and what is gone may have held something."""
    (folder / "a.txt").write_text("a")
    told = matters(folder, exclude=("sub/*",), include=("*.png",))

    assert told.path(f"{folder}/sub/x.png") is None
    assert told.path(f"{folder}/a.txt") is None
    assert told.path(f"{folder}/b.png") == "b.png"
    assert told.path(f"{folder}/gone") == "gone"
    (folder / "new").mkdir()
    assert told.path(f"{folder}/new") == "new"


def test_links_lead_to_the_path_that_a_run_looks_at(folder, tmp_path):
    """Out of the root: no news. To a folder in it: that folder's."""
    (tmp_path / "outside").mkdir()
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "in").symlink_to(folder / "sub")

    assert matters(folder).path(f"{folder}/out/x.txt") is None
    assert matters(folder).path(f"{folder}/in/x.txt") == "sub/x.txt"
    assert matters(folder).path(str(folder)) is None


@pytest.mark.parametrize(
    ("mounts", "heard"),
    [
        ({"/": "ext4"}, True),
        ({"/": "ext4", "/data": "nfs4"}, False),
        ({"/": "ext4", "/data/m": "cifs"}, False),
        ({"/": "ext4", "/data/m/deep/nas": "fuse.sshfs"}, False),
        ({"/": "ext4", "/data/mm": "nfs"}, True),
        ({"/": "nfs", "/data": "xfs"}, True),
        ({"/": "overlay", "/data/m": "fuseblk"}, True),
    ],
)
def test_what_lies_on_a_shared_file_system_has_no_events(monkeypatch, mounts, heard):
    """Or holds one; what lies beside it does not matter."""
    parts = [SimpleNamespace(mountpoint=point, fstype=kind) for point, kind in mounts.items()]
    monkeypatch.setattr(watching.psutil, "disk_partitions", lambda **_: parts)

    assert (unheard("/data/m") == "") == heard


def test_a_store_tells_of_no_change():
    """It is listed."""
    assert unheard("s3://bucket/photos")
    assert unheard("\\\\nas\\photos")


def test_folders_differ_by_what_they_hold():
    """New, gone and changed ones; those that are alike do not."""
    assert set(differing({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 9, "d": 4})) == {"b", "c", "d"}
