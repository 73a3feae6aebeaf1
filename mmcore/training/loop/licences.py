"""The licence that a person gives to what was trained: one line, for a card's front matter."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def one_line(licence: str) -> str:
    """The licence itself; ValueError for one of several lines, or with control characters."""
    if not licence.isprintable():
        raise ValueError("a licence is one line: its SPDX name, or another one")
    return licence


Licence = Annotated[str, AfterValidator(one_line)]
"""A text of one line: a card would read further ones as fields of its own."""
