import os
import signal
import subprocess
import sys
import tempfile

import pytest

from mmcore.search.folders import Folder, sweep

_FRESH, _PLAIN = "mmindex-where-fresh", "mmindex-where-plain"
_MAKER = (
    "import sys; from mmcore.search.folders import Folder; made = Folder('upload');"
    " (made.path / 'upload').write_text('mine'); print(made.path, flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder for folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def aged(path):
    """Let it have been made long ago."""
    os.utime(path / ".held", (1, 1))


def test_a_folder_goes_with_its_object(place):
    """Whether it is closed, or nobody has it any more."""
    with Folder("query") as one:
        (one.path / "file").write_text("x")
        assert one.path.parent == place
    other = Folder("where")
    path = other.path
    del other

    assert not one.path.exists()
    assert not path.exists()


def test_what_a_killed_process_left_is_swept(place):
    """A folder is left alone as long as its process lives, and goes once it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        told = maker.stdout.readline().strip()
        (left,) = place.glob("mmindex-upload-*")
        assert str(left) == told
        aged(left)
        sweep()
        assert (left / "upload").read_text() == "mine"
        maker.send_signal(signal.SIGKILL)
        maker.wait()
    sweep()

    assert not left.exists()


def test_what_is_of_others_is_not_swept(place):
    """Neither a folder that is held here, one that was just made, nor what only has the name."""
    elsewhere, fresh, plain = (place / name for name in ("elsewhere", _FRESH, _PLAIN))
    for folder in (elsewhere, fresh, plain):
        folder.mkdir()
    (fresh / ".held").touch()
    (elsewhere / ".held").touch()
    aged(elsewhere)
    linked = place / "mmindex-where-linked"
    linked.symlink_to(elsewhere)
    with Folder("where") as held:
        aged(held.path)
        sweep()

        assert all(one.exists() for one in (held.path, fresh, plain, linked, elsewhere))


def test_folders_of_other_users_are_left(place, monkeypatch):
    """What they left is theirs to sweep, and a trap of theirs is not stepped into."""
    left = place / "mmindex-query-theirs"
    left.mkdir()
    (left / ".held").touch()
    aged(left)
    monkeypatch.setattr(os, "geteuid", lambda: left.stat().st_uid + 1)
    sweep()
    assert left.exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    sweep()
    assert not left.exists()
