"""Forks that run, and what is heard of them: in a process of their own, whose end they inherit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are a matter of forks")

ROOT = Path(__file__).parents[2]
FAILING = """
def failing():
    raise ValueError("no such lake")

run = watch(*forked(failing))
print(run.code, run.lines[-1])
"""
RECONFIGURING = """
def reconfiguring():
    sys.stderr.reconfigure(errors="backslashreplace")
    sys.stdout.write("not for the pipe")
    return say({"lost": 0})

print(told_by(*forked(reconfiguring)))
"""


def printed(tmp_path, program):
    """What a program prints that has crash_runs, and a file as its stderr."""
    head = "import sys\nfrom benchmarks.crash_runs import forked, say, told_by, watch\n"
    with (tmp_path / "stderr").open("w") as stderr:
        done = subprocess.run(
            [sys.executable, "-c", head + program],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=True,
        )
    return done.stdout.strip()


def test_a_fork_that_fails_tells_why(tmp_path):
    """Its traceback comes through the pipe, and its code says that it failed."""
    assert printed(tmp_path, FAILING) == "70 ValueError: no such lake"


def test_a_fork_writes_to_the_pipe_only(tmp_path):
    """Whatever stderr was in the process that forked; a stream of the fork can be reconfigured."""
    assert printed(tmp_path, RECONFIGURING) == "{'lost': 0}"
