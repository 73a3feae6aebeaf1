"""What a person types into one field → what is looked for, and what is not wanted."""

from __future__ import annotations

import re
from typing import Final

_NOT: Final = re.compile(r'(^|\s)[-－](?:"([^"]+)"|([^\W\d_][^\s"]*))')


def parted(text: str) -> tuple[str, tuple[str, ...]]:
    """A text without its ``-word`` and ``-"several words"``, and those: they are not wanted.

    A hyphen within a word, before a digit or before a blank is none. The page in a browser asks
    for it at ``/api/typed``.
    """
    without: list[str] = []

    def taken(found: re.Match[str]) -> str:
        without.append((found[2] or found[3]).strip())
        return found[1]

    rest = " ".join(_NOT.sub(taken, text).split()) if "-" in text or "－" in text else text
    return rest, tuple(without)
