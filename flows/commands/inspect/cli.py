"""The command line: `mmindex inspect`.

Imports stand inside the commands, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated, Final

import typer

from flows.terminal.options import SETTING, AsJson, Lang, set_option

BAD_FILES: Final = 4


def inspect(
    paths: Annotated[list[str], typer.Argument(help="Files to look into.", metavar="FILE...")],
    words: Annotated[
        bool, typer.Option("--words", help="The words of texts, with their parts of speech.")
    ] = False,
    lang: Lang = None,
    set_: Annotated[
        list[str] | None,
        set_option(SETTING, "A setting of index, as segmentation.ocr=true"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would be indexed of files, or why not; without a lake. Code 4 if any cannot be."""
    from flows.commands.inspect.command import Manner, run_inspect

    if not run_inspect(paths, set_ or (), Manner(words, lang, as_json)):
        raise typer.Exit(BAD_FILES)
