import os

import pytest

from storage.places.reach import LOST, reach


@pytest.fixture
def folder(tmp_path):
    """A folder with a file, and another disk that has more."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "plain").write_text("1")
    (tmp_path / "disk" / "inner").mkdir(parents=True)
    (tmp_path / "disk" / "inner" / "far").write_text("2")
    return tmp_path / "lake"


def test_links_are_followed(folder):
    """To folders, at any depth, and to files; what lies behind one is told apart."""
    (folder / "linked").symlink_to("../disk")
    (folder / "file").symlink_to("../disk/inner/far")

    found = reach(folder)

    assert found.files == ("file", "linked/inner/far", "plain")
    assert found.linked == {"file", "linked/inner/far"}
    assert found.trouble == {}
    assert reach(folder / "linked").files == ("inner/far",)


def test_a_loop_ends(folder):
    """A link back is entered once."""
    (folder / "up").symlink_to(folder)
    (folder.parent / "disk" / "inner" / "back").symlink_to(folder.parent / "disk")
    (folder / "linked").symlink_to("../disk")

    assert reach(folder).files == ("linked/inner/far", "plain")


def test_what_cannot_be_looked_into_is_named(folder, monkeypatch):
    """A link to nothing, a link to itself, a folder that may not be listed."""
    (folder / "lost").symlink_to("nowhere")
    (folder / "self").symlink_to("self")
    (folder / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    monkeypatch.setattr(os, "listdir", lambda path: [e.name for e in closed(path)])

    trouble = reach(folder).trouble
    assert trouble.pop("lost") == LOST
    assert trouble.keys() == {"self", "closed"}
    assert "Permission denied" in trouble["closed"]


def test_a_pipe_holds_nothing_and_no_folder_has_no_files(folder):
    """Opening a pipe would wait for ever."""
    os.mkfifo(folder / "pipe")

    assert reach(folder).files == ("plain",)
    assert reach(folder / "none").files == ()
    assert reach(folder / "none").trouble == {}
