"""JSON, JSON lines and CSV → the human texts in them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from mmcore.errors import MediaError
from mmcore.media.limits import STAGE, beating, check_nesting
from mmcore.media.pieces import Damage
from mmcore.media.texts.clean import clean
from mmcore.media.texts.passages import Passage, Passages
from mmcore.media.texts.tables import caption_table, holds_captions
from mmcore.specs import LimitsSpec
from mmcore.types import Span

_LEAST_BYTES: Final = 4  # of a string that may be words: "frog", two Han characters
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|data:)\S*", re.I)


def in_json(text: str, limits: LimitsSpec) -> Passages | None:
    """The captions of a JSON text; None when it is none.

    Those are the strings under names such as caption, text, title, description (``tables``), or
    under a language's name; where no name is one of these, all strings but addresses. Raises
    MediaError ``too-deep``.
    """
    try:
        document = _parsed(text, limits)
    except ValueError:
        return None
    return passages_of(_human_texts([document], limits))


def in_json_lines(text: str, limits: LimitsSpec) -> Passages | None:
    """The captions of JSON lines, as ``in_json`` finds them; None when most lines are no JSON.

    Other lines that are none are one Damage ``broken-lines``.
    """
    documents, broken = [], []
    for number, line in enumerate(beating(text.split("\n")), 1):
        if not line.strip():
            continue
        try:
            documents.append(_parsed(line, limits))
        except ValueError:
            broken.append(number)
    if len(broken) >= len(documents):
        return None
    return _with_damage(_human_texts(documents, limits), broken)


def in_csv(text: str) -> Passages | None:
    """The cells of a table's columns of human text, row by row; None when it is no such table."""
    table = caption_table(text)
    if table is None:
        return None
    try:
        return passages_of(list(table.captions(text)))
    except csv.Error:
        return None


def passages_of(texts: Iterable[str]) -> Iterator[Passage]:
    """A passage for each text with words, with its place in all of them, joined by lines."""
    start = 0
    for text in beating(map(clean, texts)):
        if text:
            yield Passage(text, span=Span(start, start + len(text), "char"))
            start += len(text) + 1


def _with_damage(texts: Iterable[str], broken: list[int]) -> Passages:
    yield from passages_of(texts)
    if broken:
        message = f"{len(broken)} lines are no JSON, the first is line {broken[0]}"
        yield Damage(MediaError("text", "broken-lines", message), source=f"line:{broken[0]}")


def _parsed(text: str, limits: LimitsSpec) -> Any:
    """Objects, lists and strings of a JSON text; a number, however long, is read as None."""
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            strict=False,
            parse_int=_nothing,
            parse_float=_nothing,
            parse_constant=_nothing,
        )
    except RecursionError as error:
        message = f"values nested deeper than can be read, the limit is {limits.max_nesting}"
        raise MediaError(STAGE, "too-deep", message) from error


def _nothing(_: str) -> None:
    return None


def _human_texts(documents: list[Any], limits: LimitsSpec) -> Iterator[str]:
    found = False
    for text in _strings(documents, limits, everything=False):
        found = True
        yield text
    if not found:
        yield from (
            text for text in _strings(documents, limits, everything=True) if _is_words(text)
        )


def _is_words(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) >= _LEAST_BYTES and not _ADDRESS.fullmatch(text)


def _strings(documents: list[Any], limits: LimitsSpec, *, everything: bool) -> Iterator[str]:
    """The strings under names of human text, or all; in order, without recursion."""
    pending: list[tuple[Any, int, bool]] = [(documents, 0, everything)]
    while pending:
        value, depth, wanted = pending.pop()
        if isinstance(value, str):
            if wanted:
                yield value
        elif isinstance(value, dict | list):
            check_nesting(depth, limits)
            pending.extend(reversed(list(_children(value, depth + 1, wanted, everything))))


def _children(
    value: dict[str, Any] | list[Any], depth: int, wanted: bool, everything: bool
) -> Iterator[tuple[Any, int, bool]]:
    if isinstance(value, list):
        yield from ((one, depth, wanted) for one in value if one)
    else:
        for name, one in value.items():
            if one:
                yield one, depth, everything or holds_captions(name)
