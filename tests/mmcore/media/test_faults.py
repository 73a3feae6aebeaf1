"""Tests of mmcore/media/faults.py."""

import errno
import os
import socket

import pytest

from mmcore.media.faults import FAULTS, NO_MEDIA, STANDING, folder_fault, link_fault
from tests import media


@pytest.fixture
def root(tmp_path):
    """A root with a picture in a folder, a pipe, and something beside the root."""
    media.png(tmp_path / "root/trip/cat.png")
    media.png(tmp_path / "outside/dog.png")
    os.mkfifo(tmp_path / "root/pipe")
    os.mkfifo(tmp_path / "outside/pipe")
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("../trip/cat.png", ""),
        ("../trip", "link-to-folder"),
        (".", "link-loop"),
        ("..", "link-loop"),
        ("../..", "link-loop"),
        ("link", "link-loop"),
        ("../../outside", "link-outside"),
        ("../../outside/dog.png", "link-outside"),
        ("../../outside/pipe", "link-outside"),
        ("../pipe", "not-a-file"),
        ("/dev/null", "link-outside"),
        ("nothing", "dangling-link"),
        ("../trip/cat.png/below", "dangling-link"),
        ("n" * 300, "dangling-link"),
    ],
)
def test_a_link_is_judged_by_where_it_ends(root, target, fault):
    """Only one that ends at a file of the root has no fault; nothing is waited for."""
    (root / "links").mkdir()
    (root / "links/link").symlink_to(target)

    assert link_fault(str(root), str(root / "links/link")) == fault


def test_links_in_a_ring_are_a_loop(root):
    """Two links that point at each other lead nowhere."""
    (root / "one").symlink_to("other")
    (root / "other").symlink_to("one")

    assert link_fault(str(root), str(root / "one")) == "link-loop"


def test_a_link_to_a_socket_is_no_file(root):
    """A socket cannot be read, whatever leads to it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
        (root / "link").symlink_to("socket")

        assert link_fault(str(root), str(root / "link")) == "not-a-file"


def test_only_what_is_the_folders_own_fault_is_one():
    """A disk or a network that fails is an error of the run, not a fault of the folder."""
    assert folder_fault(OSError(errno.EACCES, "")) == "unreadable-folder"
    assert folder_fault(OSError(errno.ENOENT, "")) == "vanished"
    assert folder_fault(OSError(errno.ENAMETOOLONG, "")) == "path-too-long"
    assert folder_fault(OSError(errno.EIO, "")) is None
    assert folder_fault(OSError(errno.ESTALE, "")) is None


def test_every_kind_of_fault_has_its_message():
    """What is no media, and what each walk tells anew, are kinds of faults."""
    assert FAULTS.keys() > NO_MEDIA
    assert FAULTS.keys() > STANDING
    assert NO_MEDIA < STANDING
