"""Markdown → what a reader of the rendered page sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mmcore.media.texts.entities import unescaped

_TARGET: Final = (
    r"\([^\s()]{0,2000}(?:\([^\s()]{0,200}\)[^\s()]{0,200})?(?:[ \t]+[\"'][^\n\"']*[\"'])?\)"
)
_LABEL: Final = r"\[([^\[\]\n]{0,500})\]"
_FENCE: Final = re.compile(r"[ \t]{0,3}(?:```+|~~~+)[^`\n]*$")
# Quantifiers of spaces are possessive: a line of spaces alone must not take quadratic time.
_RULE: Final = re.compile(r"[ \t]{0,3}(?:=+|-+|(?:[-*_][ \t]*+){3,})$")
_DASHES: Final = r"[ \t]*+:?-+:?[ \t]*+"
_TABLE_RULE: Final = re.compile(rf"[ \t]*+\|?{_DASHES}(?:\|{_DASHES})+\|?[ \t]*$")
_DEFINITION: Final = re.compile(r"[ \t]{0,3}\[[^\]\n]+\]:[ \t]*\S")

_STRONG_SIGNS: Final = (
    re.compile(r"^#{1,6}[ \t]+\S", re.M),
    re.compile(rf"(?<![\w\]])!?{_LABEL}\((?=[^\s()]*[./#]){_TARGET[2:]}"),
    re.compile(r"^[ \t]{0,3}(?:```|~~~)[\w+-]*[ \t]*$", re.M),
    re.compile(r"(?<![\w*])\*\*(?=\S)[^*\n]{1,300}(?<=\S)\*\*(?![\w*])"),
    re.compile(r"^\|?[ \t]*+:?-{3,}:?[ \t]*+(?:\|[ \t]*+:?-{3,}:?[ \t]*+)+\|?[ \t]*$", re.M),
)
_WEAK_SIGNS: Final = (
    re.compile(r"^[ \t]{0,3}[-*+][ \t]+\S.*\n[ \t]*[-*+][ \t]+\S", re.M),
    re.compile(r"^\S.*\n(?:={3,}|-{3,})[ \t]*$", re.M),
    re.compile(r"^>[ \t]+\S", re.M),
    re.compile(r"(?<![`\w])`[^`\n]{1,200}`(?![`\w])"),
)
_BEFORE: Final = (
    (re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+"), ""),
    (re.compile(r"^[ \t]*[-*+][ \t]+(?:\[[ xX]\][ \t]+)?"), ""),
)
_HEADING: Final = re.compile(r"^[ \t]*#{1,6}[ \t]+")
_INLINE: Final = (  # what must be there, what is looked for, what stays of it
    ("![", re.compile(rf"!{_LABEL}{_TARGET}"), r"\1"),
    ("](", re.compile(rf"{_LABEL}{_TARGET}"), r"\1"),
    ("][", re.compile(rf"!?{_LABEL}\[[^\[\]\n]{{0,200}}\]"), r"\1"),
    ("<", re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>\n]*)?/?>"), ""),
    ("*", re.compile(r"(?<!\\)(\*{1,3})(?=[^\s*])([^*\n]+)(?<=\S)\1"), r"\2"),
    ("_", re.compile(r"(?<![\w\\])(_{1,3})(?=[^\s_])([^_\n]+)(?<=\S)\1(?!\w)"), r"\2"),
    ("~~", re.compile(r"~~(?=\S)([^~\n]+)~~"), r"\1"),
    ("\\", re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)
_CODE: Final = re.compile(r"(?<!`)(`{1,3})(?!`)([^`\n]+)(?<!`)\1(?!`)")


def is_markdown(text: str) -> bool:
    """Whether two kinds of signs of Markdown are there, one of them a clear one.

    Clear are ATX headings, links to something like an address, fences, bold and tables; then
    lists, underlined headings, quotes and code count too. One kind alone proves nothing: comments
    of a script begin like headings.
    """
    strong = sum(sign.search(text) is not None for sign in _STRONG_SIGNS)
    if not strong:
        return False
    return strong + sum(sign.search(text) is not None for sign in _WEAK_SIGNS) > 1


def visible_text(text: str) -> str:
    """The words without their markup: code stays, addresses of links and comments go; linear."""
    return "\n".join(_lines(without_comments(text)))


def without_comments(text: str) -> str:
    """The text less its HTML comments; one that does not end is no comment."""
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        kept.append(text[position:start])
        position = end + 3
    return "".join([*kept, text[position:]])


def _lines(text: str) -> Iterator[str]:
    fenced = False
    for line in map(str.rstrip, text.splitlines()):
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield line
        elif not _RULE.match(line) and not _TABLE_RULE.match(line) and not _DEFINITION.match(line):
            yield _bare(line)


def _bare(line: str) -> str:
    for pattern, plain in _BEFORE:
        line = pattern.sub(plain, line)
    heading = _HEADING.match(line)
    if heading:
        line = _unclosed(line[heading.end() :])
    if line.lstrip().startswith("|"):
        line = line.replace("|", " ")
    if "`" not in line:
        return _inline(line)
    parts = _CODE.split(line)  # outside, ticks, code, outside …
    parts[1::3] = [""] * len(parts[1::3])
    parts[0::3] = [_inline(part) for part in parts[0::3]]
    return "".join(parts)


def _unclosed(heading: str) -> str:
    """A heading without the marks that may close it."""
    open_ended = heading.rstrip("#")
    return open_ended.rstrip() if open_ended.endswith((" ", "\t")) else heading


def _inline(text: str) -> str:
    for mark, pattern, plain in _INLINE:
        if mark in text:
            text = pattern.sub(plain, text)
    return unescaped(text)
