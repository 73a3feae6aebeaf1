"""The text files of TREC: judgements (qrels) and topics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmcore.errors import ConfigError
from storage.schemas import Modality

_FIELDS: Final = 4  # of a line of qrels
_TAG: Final = re.compile(r"<(/?)top>", re.IGNORECASE)
_NUMBER: Final = re.compile(r"<num>([^<]*)", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title>([^<]*)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHOWN: Final = 60  # letters of a value that a message has
_DIGITS: Final = 12  # of a grade that is read: a few more than there may be


@dataclass(frozen=True, slots=True)
class Judgement:
    """How relevant a document is to a query: 0 or less is not."""

    line: int
    query: str
    doc: str  # as the file has it
    grade: int


@dataclass(frozen=True, slots=True)
class Topic:
    """One query: a text, or a file of another medium."""

    line: int
    query: str
    text: str
    language: str | None = None
    modality: Modality = Modality.TEXT
    media: Path | None = None


def read_qrels(path: Path) -> list[Judgement]:
    """``query iteration document grade``, a line each; a document may have spaces in its name.

    ConfigError names the line that is none.
    """
    return [_judged(path, number, line) for number, line in _lines(path)]


def read_topics(path: Path) -> list[Topic]:
    """``query<TAB>text[<TAB>language]``, a line each, or topics in ``<top>`` tags.

    ConfigError names the line that is none, or a query that stands twice.
    """
    whole = read_text(path)
    closed = any(tag[1] for tag in _TAG.finditer(whole))
    topics = list(_tagged(path, whole) if closed else _tabbed(path))
    if not topics:
        raise ConfigError(f"{path} has no topics: a line is QUERY, a tab, and its text")
    first: dict[str, int] = {}
    for topic in topics:
        if topic.query in first:
            raise wrong(
                path,
                topic.line,
                f"query {shown(topic.query)!r} is in line {first[topic.query]}, too",
            )
        first[topic.query] = topic.line
    return topics


def read_text(path: Path) -> str:
    """A file in UTF-8, with or without a mark of it; ConfigError where it is not."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'{path} is not in UTF-8 (byte {error.start}): save it so, in Excel as "CSV UTF-8"'
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error


def wrong(path: Path, line: int, why: str) -> ConfigError:
    """The error of one line."""
    return ConfigError(f"{path}, line {line}: {why}")


def shown(text: str) -> str:
    """A value of the file as a message has it: not too long, and without control characters."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", short)


def whole_number(path: Path, line: int, text: str) -> int:
    """A grade: an integer of 32 bits."""
    try:
        grade = int(text[: _DIGITS + 1])  # of thousands of digits Python makes no number
    except ValueError:
        raise wrong(path, line, f"the grade {shown(text)!r} is no whole number") from None
    if len(text) > _DIGITS or abs(grade) >= 2**31:
        raise wrong(path, line, f"the grade {shown(text)} is too large")
    return grade


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


def _judged(path: Path, number: int, line: str) -> Judgement:
    parts = line.split(maxsplit=2)
    rest = parts[-1].rsplit(maxsplit=1)
    if len(parts) + len(rest) - 1 != _FIELDS:
        raise wrong(path, number, "is not `query iteration document grade`")
    return Judgement(number, parts[0], rest[0], whole_number(path, number, rest[1]))


def _tabbed(path: Path) -> Iterator[Topic]:
    for number, line in _lines(path):
        query, *rest = (part.strip() for part in line.split("\t"))
        if not query or not rest or not rest[0] or len(rest) > 2:  # noqa: PLR2004
            raise wrong(path, number, "is not `query<TAB>text` or `query<TAB>text<TAB>language`")
        yield Topic(number, query, rest[0], rest[1] if len(rest) > 1 and rest[1] else None)


def _tagged(path: Path, whole: str) -> Iterator[Topic]:
    for line, topic in _topics(path, whole):
        number, title = _value(_NUMBER, topic, "Number:"), _value(_TITLE, topic, "Topic:")
        if not number or not title:
            raise wrong(path, line, "the topic has no <num> or no <title>")
        yield Topic(line, number[0], " ".join(title))


def _topics(path: Path, whole: str) -> Iterator[tuple[int, str]]:
    """Line and text of each ``<top>``; one pass, whatever is or is not closed."""
    line, at, begun = 1, 0, None
    for tag in _TAG.finditer(whole):
        line, at = line + whole.count("\n", at, tag.start()), tag.start()
        if not tag[1]:
            if begun is not None:
                raise wrong(path, begun[0], "the topic has no </top>")
            begun = line, tag.end()
        elif begun is not None:
            yield begun[0], whole[begun[1] : tag.start()]
            begun = None
    if begun is not None:
        raise wrong(path, begun[0], "the topic has no </top>")


def _value(tag: re.Pattern[str], topic: str, word: str) -> list[str]:
    """The words behind a tag, and behind the ``word`` that old files have there."""
    found = tag.search(topic)
    told = found[1].strip() if found else ""
    return (told[len(word) :] if told.lower().startswith(word.lower()) else told).split()
