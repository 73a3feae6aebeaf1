"""The command line: `mmindex models …`.

Imports stand inside the commands, so that `--help` loads nothing heavy.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang, Wait, Weights, weights_in

NOT_BETTER = 3

app = typer.Typer(
    name="models",
    help="List the models that a lake was trained with; let another version serve.",
    no_args_is_help=True,
)


@app.command("list")
def list_models(lake: Lake = LAKE, lang: Lang = None, as_json: AsJson = False) -> None:
    """List each version: what it was fitted on, what it scored, whether it serves, or why not."""
    from flows.commands.models.command import Manner, run_list

    run_list(lake, Manner(lang, as_json))


@app.command()
def promote(  # noqa: PLR0913, PLR0917 - an option is an argument
    model: Annotated[
        str, typer.Argument(help="The version that shall serve.", metavar="NAME/VERSION")
    ],
    lake: Lake = LAKE,
    force: Annotated[
        bool, typer.Option("--force", help="Let it serve, whatever it scores.")
    ] = False,
    weights: Weights = None,
    wait: Wait = 0.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let a stored version serve, if it retrieves better than what serves; code 3 if not."""
    from flows.commands.models.command import Manner, run_promote

    settings = {
        "lake": str(lake),
        "model": model,
        "force": force,
        "runtime": weights_in(weights),
        "wait": wait,
    }
    if not run_promote(settings, Manner(lang, as_json)):
        raise typer.Exit(NOT_BETTER)


@app.command()
def rollback(
    lake: Lake = LAKE,
    weights: Weights = None,
    wait: Wait = 0.0,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let the models that served before serve again, over what the lake holds now."""
    from flows.commands.models.command import Manner, run_promote

    settings = {
        "lake": str(lake),
        "model": None,
        "runtime": weights_in(weights),
        "wait": wait,
    }
    run_promote(settings, Manner(lang, as_json))
