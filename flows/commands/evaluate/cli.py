"""The command line: `mmindex evaluate`, `history` and `compare`.

Imports stand inside the commands, so that `--help` loads nothing heavy.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from flows.terminal.options import (
    LAKE,
    AsJson,
    Lake,
    Lang,
    Notify,
    Wait,
    Weights,
    set_option,
    weights_in,
)

Set = Annotated[
    list[str] | None,
    set_option("gate.NAME=VALUE", "A setting of the gate, as gate.flips=20000"),
]


class OnBlock(StrEnum):
    """What becomes of a snapshot that serves and is found worse."""

    ALERT = "alert"
    ROLL_BACK = "roll-back"


def evaluate(  # noqa: PLR0913, PLR0917 - an option is an argument
    lake: Lake = LAKE,
    snapshot: Annotated[
        int | None, typer.Option(help="Which; without, the one that serves.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="A candidate that was blocked, by its run.")
    ] = None,
    against: Annotated[
        int | None,
        typer.Option(help="Snapshot to compare with; without, its newest sound ancestor."),
    ] = None,
    on_block: Annotated[
        OnBlock,
        typer.Option(help="Where it is worse: alert, or let the one before serve again."),
    ] = OnBlock.ALERT,
    max_age: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="Say so, by code 10, if the last index run is older."),
    ] = None,
    notify: Notify = None,
    weights: Weights = None,
    wait: Wait = 0.0,
    set_: Set = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Measure what serves against an older snapshot, and judge it; code 3 if it is worse."""
    from flows.commands.evaluate.command import Manner, run_evaluate
    from flows.terminal.overrides import overridden

    settings: dict[str, Any] = {
        "lake": str(lake),
        "snapshot": snapshot,
        "run": run,
        "against": against,
        "on_block": on_block.value,
        "max_age_hours": max_age,
        "notify": tuple(notify or ()),
        "runtime": weights_in(weights),
        "wait": wait,
    }
    code = run_evaluate(overridden(settings, set_ or ()), Manner(lang, as_json))
    if code:
        raise typer.Exit(code)


def history(  # noqa: PLR0913, PLR0917 - the same
    lake: Lake = LAKE,
    direction: Annotated[
        str,
        typer.Option(metavar="GLOB", help="Only these, as 'text:zh->*'; of your set, 'shop'."),
    ] = "*",
    measure: Annotated[str, typer.Option(help="Which measure: RR, Success@10 …")] = "RR",
    last: Annotated[int, typer.Option("-n", min=1, help="How many evaluations, the newest.")] = 30,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: a line for each direction of each.")
    ] = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show what the evaluations of a lake came to, night by night."""
    from flows.commands.evaluate.command import Manner, run_history

    run_history(lake, (direction, measure, last), Manner(lang, as_json, as_csv))


def compare(  # noqa: PLR0913, PLR0917 - the same
    before: Annotated[str, typer.Argument(help="A snapshot's number, or a run.", metavar="A")],
    after: Annotated[str, typer.Argument(help="The one that is judged.", metavar="B")],
    lake: Lake = LAKE,
    stored: Annotated[
        bool, typer.Option("--stored", help="Measure nothing: compare what their manifests say.")
    ] = False,
    weights: Weights = None,
    set_: Set = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Measure two snapshots by the same queries; writes nothing; code 3 if B would be blocked."""
    from flows.commands.evaluate.command import Manner, run_compare
    from flows.terminal.overrides import overridden
    from mmcore.errors import PublicationBlockedError

    settings = {
        "lake": str(lake),
        "runtime": weights_in(weights),
    }
    told = overridden(settings, set_ or ())
    if not run_compare((before, after), told, Manner(lang, as_json), stored=stored):
        raise typer.Exit(PublicationBlockedError.exit_code)
