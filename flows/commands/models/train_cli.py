"""The command line: `mmindex train`.

Imports stand inside the command, so that `--help` loads nothing heavy.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.commands.models.cli import NOT_BETTER
from flows.terminal.options import (
    LAKE,
    SETTING,
    AsJson,
    Lake,
    Lang,
    Wait,
    Weights,
    set_option,
    weights_in,
)

ELSEWHERE = {
    "align.seed": "--seed",
    "fusing.seed": "--seed",
    "align.fit": "`mmindex index --set fit.…`, which the lake keeps",
}
"""Settings that ``--set`` does not decide, and what does."""


def train(  # noqa: PLR0913, PLR0917 - an option is an argument
    lake: Lake = LAKE,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    method: Annotated[
        str,
        typer.Option(help="How vectors are led into one space: auto, ridge, cca or network."),
    ] = "auto",
    fusion: Annotated[
        str,
        typer.Option(help="How an item's media become one vector: auto, or a fusion's name."),
    ] = "auto",
    no_promote: Annotated[
        bool, typer.Option("--no-promote", help="Store and measure the models; change nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Let them serve, whatever they score.")
    ] = False,
    weights: Weights = None,
    wait: Wait = 0.0,
    set_: Annotated[
        list[str] | None,
        set_option(SETTING, "Any other setting, as fusing.epochs=20"),
    ] = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Learn from the lake's own pairs, measure it, and let it serve if it is better."""
    from flows.commands.models.command import Manner, run_train
    from flows.terminal.overrides import overridden

    settings: dict[str, Any] = {
        "lake": str(lake),
        "seed": seed,
        "align": {"method": method},
        "fusion": fusion,
        "promote": not no_promote,
        "force": force,
        "runtime": weights_in(weights),
        "wait": wait,
    }
    if not run_train(overridden(settings, set_ or (), ELSEWHERE), Manner(lang, as_json)):
        raise typer.Exit(NOT_BETTER)
