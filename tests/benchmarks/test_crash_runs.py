"""Forks that run, and what is heard of them."""

import os
import sys

import pytest

if not hasattr(os, "fork"):
    pytest.skip("kills are a matter of forks", allow_module_level=True)

from benchmarks.crash_runs import forked, say, told_by, watch


def test_a_fork_that_fails_tells_why():
    """Its traceback comes through the pipe, and its code says that it failed."""

    def failing():
        raise ValueError("no such lake")

    run = watch(*forked(failing))

    assert run.code == 70
    assert run.lines[-1] == "ValueError: no such lake"


def test_a_fork_writes_to_the_pipe_only():
    """Whatever stderr was in the process that forked; a stream of the fork can be reconfigured."""

    def reconfiguring():
        sys.stderr.reconfigure(errors="backslashreplace")
        sys.stdout.write("not for the pipe")
        return say({"lost": 0})

    assert told_by(*forked(reconfiguring)) == {"lost": 0}
