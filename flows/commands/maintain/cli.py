"""The command line: `mmindex maintain`.

Imports stand inside the command, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.terminal.options import LAKE, AsJson, DryRun, Lake, Wait


def maintain(  # noqa: PLR0913, PLR0917 - an option is an argument
    lake: Lake = LAKE,
    keep: Annotated[
        int, typer.Option(help="Published snapshots to keep, the one that serves among them.")
    ] = 7,
    grace_days: Annotated[
        float, typer.Option(help="Days that finished or blocked, unpublished work stays.")
    ] = 30.0,
    no_compact: Annotated[
        bool, typer.Option("--no-compact", help="Rewrite no parts, only remove.")
    ] = False,
    dead_share: Annotated[
        float, typer.Option(help="Rewrite parts of vectors of which more than this is dead.")
    ] = 0.5,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Merge small parts, and remove what no kept snapshot or unfinished run needs."""
    from flows.commands.maintain.command import run_maintain

    settings: dict[str, Any] = {
        "lake": str(lake),
        "keep": keep,
        "grace_days": grace_days,
        "compact": not no_compact,
        "dead_share": dead_share,
        "wait": wait,
        "dry_run": dry_run,
    }
    run_maintain(settings, as_json=as_json)
