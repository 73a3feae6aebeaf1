"""The command line: `mmindex queries …`.

Imports stand inside the commands, so that `--help` loads no faiss.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Wait

app = typer.Typer(
    name="queries",
    help="List, add and remove query sets of your own, which evaluations then ask, too.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The name of the set: letters, digits, . - and _.")]


@app.command("list")
def list_sets(lake: Lake = LAKE, as_json: AsJson = False) -> None:
    """List the query sets of a lake."""
    from flows.commands.queries.command import run_list

    run_list(lake, as_json=as_json)


@app.command()
def add(  # noqa: PLR0913, PLR0917 - the options of a command
    name: Name,
    lake: Lake = LAKE,
    qrels: Annotated[
        Path | None,
        typer.Option(
            help="Judgements: TREC qrels, or a .csv with the columns query and item (or path), and"
            " maybe language, modality and grade."
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help="The queries of TREC qrels: QUERY, a tab and the text, a line each."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="A .csv with the columns zh and en: sentences that say the same."),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out items that the lake does not have.")
    ] = False,
    wait: Wait = 0.0,
    as_json: AsJson = False,
) -> None:
    """Import a query set; it is copied into the lake and never changes."""
    from flows.commands.queries.command import Files, run_add

    files = Files(qrels, queries, pairs, allow_missing)
    run_add(lake, name, files, wait, as_json=as_json)


@app.command()
def remove(name: Name, lake: Lake = LAKE, wait: Wait = 0.0) -> None:
    """Remove a query set; reports that tell of it stay."""
    from flows.commands.queries.command import run_remove

    run_remove(lake, name, wait)
