"""Character references of HTML → characters, however long they are."""

from __future__ import annotations

import html
import re
from typing import Final

_LONG: Final = re.compile(r"&#(?:([xX])([0-9a-fA-F]{9,})|([0-9]{9,}));?")
_MOST_DIGITS: Final = 8  # more are beyond Unicode, by ten or by sixteen
_NO_CHARACTER: Final = "&#xFFFD;"


def unescaped(text: str) -> str:
    """The text with its references read once; one to a number beyond Unicode is U+FFFD.

    Unlike ``html.unescape``, it takes numbers of any length.
    """
    return html.unescape(_LONG.sub(_short, text))


def _short(reference: re.Match[str]) -> str:
    """The same reference without zeros before its number."""
    digits = (reference[2] or reference[3]).lstrip("0")
    if len(digits) > _MOST_DIGITS:
        return _NO_CHARACTER
    return f"&#{reference[1] or ''}{digits or '0'};"
