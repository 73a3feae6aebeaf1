"""The command line: `mmindex watch`.

Imports stand inside the command, so that `--help` loads nothing that watches.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang

SETTINGS = {"ignore_unknown_options": True}
"""What is no option of a watch is one of `mmindex index`, which gets it as it is."""


def watch(  # noqa: PLR0913, PLR0917 - an option is an argument
    media: Annotated[
        list[str],
        typer.Argument(
            help="Folders or URLs, as FOLDER or ALIAS=FOLDER; then options of `mmindex index`.",
            metavar="MEDIA_DIR... [INDEX OPTIONS]",
        ),
    ],
    lake: Lake = LAKE,
    by: Annotated[
        str,
        typer.Option(help="How changes are heard of: auto, events, or polling (by listing)."),
    ] = "auto",
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a file must have rested.")
    ] = 5.0,
    poll: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two listings of a root without events.")
    ] = 15.0,
    look: Annotated[
        float, typer.Option(min=1, help="Seconds until everything is looked at in any case.")
    ] = 3600.0,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the stages of every run.")
    ] = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Index what comes, changes or goes, within a minute, until Ctrl-C; by `mmindex index`."""
    from flows.commands.watch.command import Manner, run_watch
    from flows.commands.watch.schedule import Timing
    from flows.terminal.language import language_of
    from mmcore.errors import ConfigError

    if by not in {"auto", "events", "polling"}:
        raise ConfigError(f"--by {by}: use auto, events or polling")
    timing = Timing(settle=settle, look=look)
    language = language_of(lang, os.environ)
    run_watch(media, lake, Manner(by, timing, poll, verbose, language, as_json))  # type: ignore[arg-type]
