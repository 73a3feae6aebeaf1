"""Tests of mmcore/media/opening.py."""

import os
import socket

import pytest

from mmcore.errors import MediaError
from mmcore.media.opening import opened
from tests import media


@pytest.fixture
def root(tmp_path):
    """A root with one text, and one outside of it."""
    media.text(tmp_path / "root/note.txt", "inside")
    media.text(tmp_path / "secret.txt", "outside")
    return tmp_path / "root"


def reason(root, name):
    """Why a name cannot be opened."""
    with pytest.raises(MediaError) as refused:
        opened(str(root), str(root / name))
    assert refused.value.stage == "crawl"
    return refused.value.reason


def test_a_file_is_opened(root):
    """Its bytes are read as usual."""
    with opened(str(root), str(root / "note.txt")) as file:
        assert file.read() == b"inside"


def test_a_link_into_the_root_is_opened(root):
    """It leads to a file that counts."""
    (root / "link.txt").symlink_to("note.txt")

    with opened(str(root), str(root / "link.txt")) as file:
        assert file.read() == b"inside"


def test_a_file_that_became_a_link_out_of_the_root_is_refused(root):
    """What was a file when it was listed may be a link when it is read."""
    (root / "note.txt").unlink()
    (root / "note.txt").symlink_to(root.parent / "secret.txt")

    assert reason(root, "note.txt") == "link-outside"


@pytest.mark.timeout(10)
def test_a_file_that_became_a_pipe_is_not_waited_on(root):
    """Nobody ever writes into it."""
    (root / "note.txt").unlink()
    os.mkfifo(root / "note.txt")

    assert reason(root, "note.txt") == "not-a-file"


def test_a_file_that_became_a_socket_is_refused(root):
    """A socket cannot be opened at all."""
    (root / "note.txt").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "note.txt"))

        assert reason(root, "note.txt") == "not-a-file"


def test_a_file_that_became_a_folder_is_gone(root):
    """Its files are found by the next walk."""
    (root / "note.txt").unlink()
    (root / "note.txt").mkdir()

    assert reason(root, "note.txt") == "vanished"


def test_no_descriptor_is_left_open(root):
    """A refusal closes what it had to open."""
    os.mkfifo(root / "pipe")
    before = next_descriptor()
    for _ in range(5):
        reason(root, "pipe")

    assert next_descriptor() == before


def next_descriptor():
    """The number that the next open file gets: the lowest that is free."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number
