"""The command line: `mmindex status`.

Imports stand inside the command, so that `--help` loads no faiss.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from flows.terminal.options import LAKE, AsJson, Lake, Lang


def status(lake: Lake = LAKE, lang: Lang = None, as_json: AsJson = False) -> None:
    """Say what the published snapshot holds and how well it retrieves."""
    from flows.commands.status.command import run_status

    run_status(lake, lang, as_json=as_json)
