"""Options that every command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Lake = Annotated[
    Path,
    typer.Option(
        "--lake", "-l", envvar="MMINDEX_LAKE", help="The lake's folder.", show_default=True
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
LAKE = Path("lake")
