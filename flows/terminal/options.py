"""Options that several commands have, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Lake = Annotated[
    str,
    typer.Option(
        "--lake",
        "-l",
        envvar="MMINDEX_LAKE",
        help="The lake's folder, or its URL: s3://BUCKET/LAKE.",
        show_default=True,
    ),
]
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
LAKE = "lake"
