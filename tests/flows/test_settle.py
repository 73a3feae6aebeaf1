"""Tests of `crawl.settle_seconds`: what was written a moment ago waits for the next run."""

import os
import time

import pytest
from PIL import Image

from mmcore.errors import SourceError
from mmcore.specs import CrawlSpec
from storage.layout import Layout
from storage.snapshot import Snapshot
from tests import crashes, media

REST = 600.0
SETTLING = {"crawl": CrawlSpec(settle_seconds=REST)}


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


def aged(folder, seconds=2 * REST):
    """Every file below ``folder`` was written so long ago."""
    then = time.time() - seconds
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def contents(lake):
    """Path → content id of the published files."""
    rows = Snapshot.open(Layout(lake)).rows("files", ["path", "content_id"]).to_pydict()
    return dict(zip(rows["path"], rows["content_id"], strict=True))


@pytest.fixture
def places(tmp_path):
    """A folder whose files rest, and where its lake will be."""
    folder = tmp_path / "media"
    for colour in ("red", "green", "blue"):
        media.png(folder / f"{colour}.png", Image.new("RGB", (8, 8), colour))
        media.text(folder / f"{colour}.txt", f"A plain {colour} picture.")
    aged(folder)
    return folder, tmp_path / "lake"


@pytest.mark.parametrize("private", [False, True])
def test_new_and_rewritten_files_wait_until_they_rest(places, index, private):
    """A new one is not there yet, a rewritten one is as it was; both come with a later run."""
    folder, lake = places
    told = {"private": private, **SETTLING}
    index(folder, lake, **told)
    before = contents(lake)
    media.png(folder / "new.png", Image.new("RGB", (8, 8), "white"))
    (folder / "red.png").write_bytes(b"\x89PNG half of a pict")

    meanwhile = index(folder, lake, **told)
    assert (meanwhile.status, meanwhile.waiting) == ("unchanged", 2)
    assert contents(lake) == before

    aged(folder)
    then = index(folder, lake, **told)
    assert (then.status, then.waiting, then.items_added) == ("published", 0, 1)
    assert len(contents(lake).keys() - before.keys()) == 1


def test_the_next_look_sees_that_something_waited(places, index):
    """Though it is told nothing of settling: what was left out is no part of what was seen."""
    folder, lake = places
    index(folder, lake, **SETTLING)
    media.png(folder / "new.png", Image.new("RGB", (8, 8), "white"))
    index(folder, lake, **SETTLING)

    assert index(folder, lake).items_added == 1


def test_a_setting_of_rest_makes_nothing_new(places, index):
    """A watch and a nightly run of one lake do not take each other's settings for a change."""
    folder, lake = places
    seen = []
    for options in ({}, SETTLING, {}):
        assert index(folder, lake, **options).snapshot == 1
        seen.append(Snapshot.open(Layout(lake)).manifest.seen)

    assert len(set(seen)) == 1
    assert seen[0]


def test_where_all_files_are_young_nothing_is_published(places, index):
    """The error says that they are being written, not that there is no media."""
    folder, lake = places
    aged(folder, 1)

    with pytest.raises(SourceError, match=r"all files there \(6\) were written less than 600 s"):
        index(folder, lake, **SETTLING)
