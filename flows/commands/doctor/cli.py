"""The command line: `mmindex doctor`.

The import stands inside the command, so that `--help` loads nothing heavy.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal.options import AsJson, Lang, Weights, lake_option

FAILED = 1


def doctor(
    lake: Annotated[
        str | None,
        lake_option("Also look at this lake: a folder, or a URL; `lake` where it is there."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Whose weights; the lake's, or embedded, if not given."),
    ] = None,
    weights: Weights = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, at Prefect and at a lake; say what is wrong and what to do."""
    from flows.commands.doctor.command import Wanted, run_doctor

    wanted = Wanted(lake, preset, str(weights) if weights else None)
    if not run_doctor(wanted, lang, as_json=as_json):
        raise typer.Exit(FAILED)
