"""Where commands print, and how; loads nothing but rich."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TextIO, cast

from rich.console import Console

WIDE = 200  # columns where nobody has a terminal: a path in a log is not folded


class Trimmed(io.TextIOBase):
    """Standard output or error, without the blanks that fill the last column of a table."""

    def __init__(self, *, stderr: bool) -> None:
        self._stderr = stderr

    def write(self, text: str) -> int:
        """Write it, each line up to its last character."""
        self._stream().write(re.sub(r"[ \t]+(?=\n|\Z)", "", text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
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
    """Print ``value`` for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
