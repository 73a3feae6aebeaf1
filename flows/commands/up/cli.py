"""The command line: `mmindex up`.

Imports stand inside the command, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flows.terminal.options import AsJson, Lang, lake_option


def up(  # noqa: PLR0913, PLR0917 - an option is an argument
    media: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders or URLs to index, each as FOLDER or ALIAS=FOLDER; those of --file.",
            metavar="[MEDIA_DIR...]",
        ),
    ] = None,
    lake: Annotated[
        str | None,
        lake_option("The lake's folder, or its URL; that of --file."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="The deployments; the prefect.yaml that comes with mmindex."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="Of the schedules, as Asia/Shanghai; this machine's, or --file's."
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Where the server listens; 0: a free one.")] = 4200,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Start a Prefect server, a worker and the nightly runs; until Ctrl-C."""
    from flows.commands.up.command import Wanted, run_up
    from flows.terminal.language import language_of

    language = language_of(lang, os.environ)
    run_up(Wanted(tuple(media or ()), lake, file, timezone, port, language, as_json))
