"""The command line: `mmindex quarantine`.

Imports stand inside the commands, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang


def quarantine(  # noqa: PLR0913, PLR0917 - an option is an argument
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these: ROOT, ROOT/path, a file or a folder of a root, or a glob.",
            metavar="PATH",
        ),
    ] = None,
    lake: Lake = LAKE,
    stage: Annotated[
        list[str] | None, typer.Option(help="Only this stage: crawl, sniff, read, image …")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="Only this reason: decode-error …; may be repeated.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Each row, with the decoder's message and times.")
    ] = False,
    stopped: Annotated[
        bool,
        typer.Option("--stopped", help="Of the last run that was not allowed to publish."),
    ] = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Say which files could not be used, why, and what to do."""
    from flows.commands.quarantine.command import Manner, Wanted, run_quarantine

    wanted = Wanted(tuple(paths or ()), tuple(stage or ()), tuple(reason or ()), stopped)
    run_quarantine(lake, wanted, Manner(listed, lang, as_json))
