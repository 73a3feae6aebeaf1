"""Options that several commands have, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def lake_option(told: str) -> Any:
    """``--lake``, and the variable that stands for it, of a command that says what it is there."""
    return typer.Option("--lake", "-l", envvar="MMINDEX_LAKE", help=told)


def set_option(form: str, told: str) -> Any:
    """``--set FORM``, again and again: settings without an option of their own."""
    return typer.Option("--set", metavar=form, help=f"{told}; may be repeated.")


SETTING = "SECTION.NAME=VALUE"
Lake = Annotated[str, lake_option("The lake's folder, or its URL: s3://BUCKET/LAKE.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of fetched weights; $MMINDEX_WEIGHTS, or one in your cache."
    ),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        envvar="MMINDEX_NOTIFY",
        metavar="URL",
        help="Who is told what the gate says, or that a run failed: an Apprise URL, or"
        " block:TYPE/NAME of Prefect.",
    ),
]
Lang = Annotated[str | None, typer.Option(help="zh or en; the locale's if not given.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for another run on this lake.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
LAKE = "lake"


def weights_in(folder: Path | None) -> dict[str, str | None]:
    """What ``--weights`` comes to, as the setting ``runtime`` has it."""
    return {"weights": None if folder is None else str(folder)}
