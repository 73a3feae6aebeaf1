"""How a program of ours ends where something is wrong: in a line, for who started it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flows.printing import lenient
from flows.wrapping import visible
from storage.schemas import MmindexError

CLOSED = 141  # as a shell tells of who wrote to a closed pipe


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """An error of ours becomes one line and its exit code; a closed pipe (``| head``) is none."""
    lenient()
    try:
        yield
        sys.stdout.flush()
    except MmindexError as error:
        sys.stderr.write(f"{visible(str(error))}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED)
