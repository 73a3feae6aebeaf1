"""The command line: `mmindex snapshots …`, and `mmindex files`.

Imports stand inside the commands, so that `--help` loads no faiss.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang, Notify, Wait
from storage.schemas import Modality

app = typer.Typer(
    name="snapshots",
    help="List, compare, verify, roll back and publish the snapshots of a lake.",
    no_args_is_help=True,
)

Number = Annotated[int | None, typer.Argument(help="A snapshot; without, the one that serves.")]


@app.command("list")
def list_snapshots(lake: Lake = LAKE, lang: Lang = None, as_json: AsJson = False) -> None:
    """List the snapshots that are kept, and say which one serves."""
    from flows.commands.snapshots.command import run_list

    run_list(lake, lang, as_json=as_json)


@app.command()
def diff(
    before: Annotated[
        int | None, typer.Argument(help="The older one; without, the parent of the other.")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(help="The newer one; without, the one that serves.")
    ] = None,
    lake: Lake = LAKE,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Say what changed from one snapshot to another."""
    from flows.commands.snapshots.command import run_diff

    run_diff(lake, before, after, lang, as_json=as_json)


@app.command()
def verify(
    number: Number = None,
    lake: Lake = LAKE,
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside",
            help="Rename damaged files to NAME.damaged: `mmindex index` makes them again.",
        ),
    ] = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Read all of a snapshot and list everything that is wrong with it; exit code 7 if any."""
    from flows.commands.snapshots.command import run_verify

    run_verify(lake, number, lang, set_aside=set_aside, as_json=as_json)


@app.command()
def rollback(
    number: Annotated[int, typer.Argument(help="The snapshot that shall serve.")],
    lake: Lake = LAKE,
    wait: Wait = 0.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let a kept snapshot serve again; none is removed, and the next run goes on from it."""
    from flows.commands.snapshots.command import run_rollback

    run_rollback(lake, number, wait, lang, as_json=as_json)


@app.command()
def publish(  # noqa: PLR0913, PLR0917 - an option is an argument
    run: Annotated[
        str,
        typer.Argument(
            help="The run of a candidate that was blocked; or the number of what serves."
        ),
    ],
    name: Annotated[str, typer.Option(help="Who lets it serve; kept in the history.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")],
    lake: Lake = LAKE,
    notify: Notify = None,
    wait: Wait = 0.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let what the gate blocked serve; who wanted it, and why, is kept for ever."""
    from flows.commands.snapshots.publishing import run_publish

    settings = {
        "lake": str(lake),
        "run": run,
        "name": name,
        "reason": reason,
        "notify": tuple(notify or ()),
        "wait": wait,
    }
    run_publish(settings, lang, as_json=as_json)


def files(
    lake: Lake = LAKE,
    modality: Annotated[
        Modality | None,
        typer.Option("--modality", "-m", help="Only segments and vectors of this medium."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Name the Parquet files of the published snapshot: table, rows, path, with tabs between."""
    from flows.commands.snapshots.command import run_files

    run_files(lake, modality, as_json=as_json)
