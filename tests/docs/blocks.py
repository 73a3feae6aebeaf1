"""The fenced blocks of the pages, and the commands that stand in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (
        *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1``` *$", re.DOTALL | re.MULTILINE)
SHELL = frozenset({"sh", "bash"})
BETWEEN = frozenset("|&;")
TO_FILE = frozenset("<>")
CALL = re.compile(r"(?:^|[\s/`=])mmindex ((?:[a-z]+ ?)+[^`\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and where it stands."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a shell block: its words, without what it is piped into."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def blocks(*languages: str) -> list[Block]:
    """The blocks of some languages, or of all, over all pages."""
    return [
        block
        for page in PAGES
        for block in blocks_of(page)
        if not languages or block.language in languages
    ]


def blocks_of(page: str) -> Iterator[Block]:
    """The blocks of one page."""
    text = PAGES[page].read_text("utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        body = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
        yield Block(page, line, found[2], body)


def commands(block: Block) -> list[Command]:
    """The commands of a shell block, in order; each of a pipe, too."""
    joined = block.text.replace("\\\n", " ")
    return [command for line in joined.splitlines() for command in _of_line(line)]


def _of_line(line: str) -> Iterator[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    to_file = False
    for word in lexer:
        if set(word) <= BETWEEN:
            if words:
                yield Command(tuple(words))
            words = []
        elif set(word) <= TO_FILE:
            to_file = True
        elif not to_file:
            words.append(word)
        else:
            to_file = False
    if words:
        yield Command(tuple(words))


def calls_in_prose() -> list[tuple[str, str]]:
    """What follows `mmindex` in a page's inline code, output, crontabs and units."""
    found = []
    for page, path in PAGES.items():
        text = path.read_text("utf-8")
        plain = [b.text for b in blocks_of(page) if b.language not in SHELL]
        inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))
        found += [(page, call.strip()) for one in (*plain, *inline) for call in CALL.findall(one)]
    return found
