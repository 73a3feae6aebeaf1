"""Where sentences and clauses end in Chinese and English, by their punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CLOSING: Final = "”’\"'）」』】》〉)\\]"
_SENTENCE_END: Final = re.compile(
    rf"(?:[。！？；…]+[!?]*|[!?;]+(?=[\s{_CLOSING}\u2e80-\uffef]|\Z)|\.+(?=[\s{_CLOSING}]|\Z))"
    rf"[{_CLOSING}]*\s*|\n(?![a-z])\s*"  # a line that goes on in lower case was only wrapped
)
_CLAUSE_END: Final = re.compile(rf"(?:[，、：—]+|[,:](?=[\s{_CLOSING}]))[{_CLOSING}]*\s*")
_WORD_BEFORE: Final = re.compile(r"(^|\s)?([\w.]+)\Z", re.M)
_TITLES: Final = re.compile(
    r"(?i:mrs?|m[sx]|dr|prof|st|vs|e\.?g|i\.?e|cf|viz|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep|mt)"
)
_NUMBERED: Final = re.compile(r"(?i:nos?|figs?|vols?|pp?|ch|sec|eq|art)")
_INITIALS: Final = re.compile(r"[A-HJ-Z]|[A-Za-z](?:\.[A-Za-z])+")
_LOOK_BACK: Final = 20


def sentence_ends(text: str) -> Iterator[int]:
    """Where the sentences of ``text`` end, spaces and closing quotes included; len(text) last.

    The dot of an abbreviation (Mr. Smith, e.g. this, J. Doe, No. 5), of a number (3.14) or of a
    list (1. First) ends none.
    """
    for found in _SENTENCE_END.finditer(text):
        if found.end() < len(text) and not (found.group()[0] == "." and _goes_on(text, found)):
            yield found.end()
    if text:
        yield len(text)


def clause_ends(text: str) -> Iterator[int]:
    """Where the clauses of ``text`` end, spaces and closing quotes included; len(text) last."""
    for found in _CLAUSE_END.finditer(text):
        if found.end() < len(text):
            yield found.end()
    if text:
        yield len(text)


def _goes_on(text: str, dot: re.Match[str]) -> bool:
    """Whether the sentence goes on behind a dot."""
    after = text[dot.end()]
    if "\n\n" in dot.group():
        return False
    if "a" <= after <= "z":
        return True
    before = _WORD_BEFORE.search(text, max(0, dot.start() - _LOOK_BACK), dot.start())
    if before is None or "\n" in dot.group():
        return False
    word = before.group(2)
    if word.isdigit():  # the number of an entry, alone at the beginning of its line
        return before.start(2) == 0 or text[before.start(2) - 1] == "\n"
    if _NUMBERED.fullmatch(word):
        return after.isdigit()
    return any(kind.fullmatch(word) for kind in (_TITLES, _INITIALS))
