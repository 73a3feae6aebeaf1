"""Tests of mmcore/media/listing_local.py."""

import os
from contextlib import nullcontext

import pytest

from mmcore.media.listing import Rules
from mmcore.media.listing_local import LocalListing, mount_point
from mmcore.specs import CrawlSpec
from tests import media


def test_a_folder_lies_on_the_nearest_mount_point(tmp_path, monkeypatch):
    """Above it, or it is one itself."""
    mounts = {"/", str(tmp_path)}
    monkeypatch.setattr(os.path, "ismount", lambda path: path in mounts)

    assert mount_point(str(tmp_path / "a/b")) == str(tmp_path)
    assert mount_point(str(tmp_path)) == str(tmp_path)
    assert mount_point(str(tmp_path.parent)) == "/"


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no file system is mounted there")
def test_mounts_below_a_root_are_seen():
    """A disk that is mounted below a root can be missed when it is not there."""
    listing = LocalListing("/dev", Rules(CrawlSpec(include=("nothing",)), None), None)

    assert list(listing.below()) == []
    assert listing.mounts[0] == mount_point("/dev")
    assert "/dev/shm" in listing.mounts


def test_a_folder_that_became_a_link_is_not_entered(tmp_path, monkeypatch):
    """Between its listing and its turn a folder may be swapped for a link out of the root."""
    media.png(tmp_path / "root/a.png")
    media.png(tmp_path / "root/swapped/b.png")
    media.png(tmp_path / "outside/secret.png")
    scandir = os.scandir

    def swapping(place):
        found = list(scandir(place))
        if not (tmp_path / "root/swapped").is_symlink():
            (tmp_path / "root/swapped").rename(tmp_path / "moved")
            (tmp_path / "root/swapped").symlink_to(tmp_path / "outside")
        return nullcontext(found)

    monkeypatch.setattr(os, "scandir", swapping)
    listing = LocalListing(str(tmp_path / "root"), Rules(CrawlSpec(), None), None)

    assert [(entry.path, entry.fault) for entry in listing.below()] == [
        ("a.png", ""),
        ("swapped", "vanished"),
    ]
    assert listing.hidden == ["swapped"]
