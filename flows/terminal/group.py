"""The group of all commands: what refuses an option is told as a person reads it."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperGroup

PREFIX: Final = "Value error, "
"""What pydantic, by which typer looks at options, puts before what a check of its own says."""


class Commands(TyperGroup):
    """The commands, those of groups below it too."""

    def invoke(self, ctx: Any) -> Any:  # a context of the Click within typer
        """Run the command that is asked for; BadParameter without a prefix of pydantic's."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(PREFIX)
            raise
