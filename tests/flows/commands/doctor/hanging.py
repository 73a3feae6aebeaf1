"""Checks that do not end well, for the tests of those who run them."""

import os
import signal
import time

from mmcore.inspection.machine.checked import Checked


def sleeps():
    """A disk that does not answer."""
    time.sleep(600)
    yield Checked("sleeps", "ok", "python")


def dies():
    """A library that ends its process."""
    os.kill(os.getpid(), signal.SIGKILL)
    yield Checked("dies", "ok", "python")


def raises():
    """A library that does not load."""
    raise ImportError("libnothing.so: cannot open shared object file")
    yield Checked("raises", "ok", "python")


def answers():
    """One that is well."""
    yield Checked("answers", "ok", "python", {"version": "3", "pid": os.getpid()})
