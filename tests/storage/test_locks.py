import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage import locks
from storage.errors import LakeLockedError
from storage.layout import Layout
from storage.locks import writer_lock
from tests.writers import written


def test_the_second_writer_is_told_who_holds_the_lake(tmp_path):
    """A held lake refuses at once and names process, host and time."""
    layout = Layout(tmp_path / "湖")
    with writer_lock(layout):
        with pytest.raises(LakeLockedError) as caught, writer_lock(layout):
            pass
        assert f"process {os.getpid()} on " in caught.value.holder
        assert " since 20" in caught.value.holder

    with writer_lock(layout):
        pass


def test_a_writer_may_wait_for_the_other(tmp_path):
    """With a wait the lock is taken as soon as it is free."""
    layout = Layout(tmp_path)
    with written(layout) as release:
        threading.Timer(0.1, release.set).start()
        with writer_lock(layout, wait=10):
            assert release.is_set()


def test_who_waits_says_for_whom(tmp_path, caplog):
    """In the run's log, and once; a writer that need not wait says nothing."""
    layout = Layout(tmp_path)
    with writer_lock(layout, wait=10):
        assert caplog.messages == []
        with pytest.raises(LakeLockedError), writer_lock(layout, wait=0.1):
            pass

    (said,) = caplog.messages
    assert said.startswith(f"the lake is being written by process {os.getpid()} on ")
    assert said.endswith(": waiting, 0.1 s at most")


def test_an_error_inside_frees_the_lake(tmp_path):
    """A run that fails leaves no lock behind."""
    layout = Layout(tmp_path)
    with pytest.raises(ZeroDivisionError), writer_lock(layout):
        1 / 0  # noqa: B018 - any error

    with writer_lock(layout):
        pass


def test_a_lock_dies_with_its_holder(tmp_path):
    """A process that is gone holds nothing, whatever it left on disk."""
    crash = (
        "import os; from pathlib import Path; from storage.layout import Layout\n"
        "from storage.locks import writer_lock\n"
        f"lock = writer_lock(Layout(Path({str(tmp_path)!r}))); lock.__enter__(); os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", crash], check=False)

    assert ended.returncode == 9
    assert (tmp_path / "LOCK.json").exists()
    with writer_lock(Layout(tmp_path)):
        pass


def test_a_note_that_cannot_be_kept_stops_nobody(tmp_path, monkeypatch):
    """The lock holds without its note, and is free afterwards although the note stayed."""
    layout = Layout(tmp_path / "lake")

    def refused(*_, **__):
        raise PermissionError("no")

    with monkeypatch.context() as patched:
        patched.setattr(locks, "write_bytes", refused)
        patched.setattr(Path, "unlink", refused)
        with writer_lock(layout):
            pass

    with writer_lock(layout):
        pass
