"""How many of something there are, in English: one file, two files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Number(int):
    """A number that fills a sentence: ``{files} {files:file|files}``.

    Without a format it has its commas; by ``one|many`` it is the word that fits it.
    """

    def __format__(self, form: str) -> str:
        one, parted, many = form.partition("|")
        if parted:
            return one if self == 1 else many
        return super().__format__(form or ",")


def numbered(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that fill a sentence, its whole numbers as ``Number``."""
    return {name: Number(fact) if type(fact) is int else fact for name, fact in facts.items()}


def number_of(count: int, one: str, many: str | None = None) -> str:
    """``1 file``, ``2,000 files``; ``many`` where that is not ``one`` with an s."""
    return f"{Number(count)} {one if count == 1 else many or f'{one}s'}"
