"""Where commands print, and how; loads nothing but rich."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast

from rich.console import Console

from mmcore.search.notes import Note
from storage.schemas import MmindexError

WIDE = 200  # columns where nobody has a terminal: a path in a log is not folded


class OutputError(MmindexError):
    """What a command has to say cannot be written where it was told to go."""

    def __init__(self, error: OSError) -> None:
        super().__init__(Note("output", why=error.strerror or str(error)))


class Trimmed(io.TextIOBase):
    """Standard output or error, without the blanks that fill the last column of a table."""

    def __init__(self, *, stderr: bool) -> None:
        self._stderr = stderr

    def write(self, text: str) -> int:
        """Write it, each line up to its last character."""
        with _output():
            self._stream().write(re.sub(r"[ \t]+(?=\n|\Z)", "", text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with _output():
            self._stream().flush()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's."""
        return self._stream().encoding

    def _stream(self) -> TextIO:
        """As it is now: it may have been replaced."""
        return sys.stderr if self._stderr else sys.stdout


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    if console.is_terminal:
        return console
    return Console(file=cast("TextIO", Trimmed(stderr=stderr)), width=WIDE)


OUT = _console(stderr=False)
ERR = _console(stderr=True)


def print_json(value: object) -> None:
    """Print ``value`` for programs; where the output is not UTF, it is ASCII."""
    ascii_only = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    with _output():
        sys.stdout.write(json.dumps(value, ensure_ascii=ascii_only, indent=1) + "\n")
        sys.stdout.flush()


def lenient() -> None:
    """What the output's encoding does not have is escaped from here on, and ends nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _output() -> Iterator[None]:
    """OutputError where the output cannot be written; a closed pipe is for others to tell."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError, ValueError):  # what waits in it would fail once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(error) from error
