"""Where commands print, and how; loads nothing but rich."""

from __future__ import annotations

import json
import sys

from rich.console import Console

WIDE = 200  # columns where nobody has a terminal: a path in a log is not folded


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=WIDE)


OUT = _console(stderr=False)
ERR = _console(stderr=True)


def print_json(value: object) -> None:
    """Print ``value`` for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
