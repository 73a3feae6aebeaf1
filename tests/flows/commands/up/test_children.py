"""The processes of `mmindex up`: they end with it, and are started again when they end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.commands.up.children import Child, environment_of

ROOT = Path(__file__).parents[4]
SAYING = """
import signal, sys, time
print("at work", signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
time.sleep(60)
"""
PARENT = """
import sys, time
from pathlib import Path
from flows.commands.up.children import Child, environment_of
child = Child("it", ["saying"], Path(sys.argv[1]), environment_of())
child.start()
print(child._process.pid, flush=True)
time.sleep(60)
"""


def until(what, seconds=30):
    """Wait until something is so; what it is."""
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module `saying` that says so when it is at work; the log of who runs it."""
    (tmp_path / "saying.py").write_text(SAYING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "it.log"


def said(log):
    """Whether it has begun."""
    return log.exists() and "at work" in log.read_text()


def test_a_child_hears_ctrl_c_though_it_was_ignored_and_ends_in_order(module):
    """As in `mmindex up &` of a script; when its pipe closes it is told to end."""
    child = Child("it", ["saying"], module, environment_of())
    child.start()
    assert until(lambda: said(module))
    child.stop()

    assert module.read_text().startswith("at work True")
    assert child.ended() is None


def test_a_child_ends_with_a_killed_parent(module):
    """Kill -9 of `mmindex up` leaves nothing that takes runs."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(module)],
        env=environment_of(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        assert until(lambda: said(module))
        parent.kill()

    assert until(lambda: not psutil.pid_exists(pid) or gone(pid))


def gone(pid):
    """Whether a process has ended, though nobody has asked how."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_that_ends_is_told_once_and_started_again_later_and_later(module):
    """What cannot start does not take the machine."""
    child = Child("it", ["no_such_module"], module, environment_of())
    pauses = []
    for _ in range(2):
        child.start()
        assert until(lambda: child.ended() is not None)
        pauses.append(child.again_at - time.monotonic())
        assert child.ended() is None
        assert not child.due
    assert pauses[0] < 2.1 < pauses[1] < 4.1
    assert "no_such_module" in child.last_words()


def test_a_large_log_is_put_aside(module, monkeypatch):
    """Logs of years do not fill a disk."""
    monkeypatch.setattr("flows.commands.up.children.LOG_BYTES", 10)
    module.write_text("x" * 11)
    child = Child("it", ["no_such_module"], module, environment_of())
    child.start()
    until(lambda: child.ended() is not None)

    assert module.with_name("it.log.1").read_text() == "x" * 11
    assert "x" * 11 not in module.read_text()


def test_what_a_user_set_stays(monkeypatch):
    """A setting of ours gives way to the environment's."""
    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "60")
    told = environment_of(PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30", PREFECT_X="1")

    assert (told["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"], told["PREFECT_X"]) == ("60", "1")
    assert told["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)
