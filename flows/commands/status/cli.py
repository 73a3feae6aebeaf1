"""The command line: `mmindex status`.

Imports stand inside the command, so that `--help` loads no faiss.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from flows.terminal.options import LAKE, AsJson, Lake


def status(lake: Lake = LAKE, as_json: AsJson = False) -> None:
    """Say what the published snapshot holds and how well it retrieves."""
    from flows.commands.status.command import run_status

    run_status(lake, as_json=as_json)
