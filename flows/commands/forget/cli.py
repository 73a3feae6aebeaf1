"""The command line: `mmindex forget`.

Imports stand inside the commands, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang, Wait


def forget(  # noqa: PLR0913, PLR0917 - an option is an argument
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files whose items are erased: ROOT/path, or a path below a root.",
            metavar="PATH",
        ),
    ] = None,
    lake: Lake = LAKE,
    item: Annotated[
        list[str] | None, typer.Option(help="An item to erase, as ROOT/KEY; may be repeated.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Erase what this text finds, once that is confirmed.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many hits of --query.")] = 10,
    content: Annotated[
        bool, typer.Option("--content", help="Also take what others have of it from them.")
    ] = False,
    readmit: Annotated[
        bool, typer.Option("--readmit", help="Let the files that lie there now in again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Wait = 0.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be erased, and do nothing.")
    ] = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Erase items from every kept snapshot, prove it, and keep them out from now on."""
    from flows.commands.forget.command import Manner, Wanted, run_forget, run_readmit

    wanted = Wanted(tuple(paths or ()), tuple(item or ()), query, k, content)
    manner = Manner(yes, dry_run, wait, as_json, lang)
    (run_readmit if readmit else run_forget)(lake, wanted, manner)
