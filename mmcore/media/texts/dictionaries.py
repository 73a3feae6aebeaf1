"""Dictionaries of a user's own words, in jieba's format: ``word [frequency] [flag]`` a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from mmcore.errors import ConfigError, MediaError
from mmcore.media.limits import heartbeat
from mmcore.media.texts.charset import decode
from mmcore.media.texts.clean import clean
from storage.schemas import content_id

_LINE: Final = re.compile(r"(\S.*?)(?: +(\d{1,12}))?(?: +([a-z]+))?")
_NUMBER: Final = re.compile(r" [-+.]?\d[\d.,]*(?= |$)")
PLAIN: Final = re.compile(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._]+")
"""What jieba looks for words in."""

_LONGEST: Final = 100  # characters of a word
_BEAT: Final = 50_000  # characters that are looked at in some hundredths of a second


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a frequency of 0 says that it is no word; None leaves it to jieba."""

    word: str
    frequency: int | None = None
    flag: str | None = None


@dataclass(frozen=True)
class Dictionary:
    """The entries of several files, the last one counts; equal when their contents are."""

    digests: tuple[str, ...]
    entries: tuple[Entry, ...]

    def __hash__(self) -> int:
        return hash(self.digests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dictionary) and self.digests == other.digests

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, less what is said to be none."""
        known = {entry.word: entry.frequency for entry in self.entries}
        return frozenset(word for word, frequency in known.items() if frequency != 0)

    @cached_property
    def denied(self) -> frozenset[str]:
        """What is said to be no word."""
        return frozenset(entry.word for entry in self.entries) - self.words

    @cached_property
    def flags(self) -> dict[str, str]:
        """What part of speech each of its words is; ``x`` where it does not say."""
        return {entry.word: entry.flag or "x" for entry in self.entries}

    @cached_property
    def spaced(self) -> bool:
        """Whether a word has spaces or punctuation: jieba by itself never sees it whole."""
        return not all(map(PLAIN.fullmatch, self.words))

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        return frozenset(w[:length] for w in self.words for length in range(1, len(w) + 1))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """(start, end) of its words in ``text``: from left to right, the longest first."""
        start = due = 0
        while start < len(text) and self.words:
            if start >= due:
                heartbeat.get()()
                due = start + _BEAT
            last, end = start, start + 1
            while end <= len(text) and (found := text[start:end]) in self._prefixes:
                last = end if found in self.words else last
                end += 1
            if last > start:
                yield start, last
            start = max(last, start + 1)


NOTHING: Final = Dictionary((), ())


def read_dictionaries(paths: Sequence[str]) -> Dictionary:
    """Read the files of words; ConfigError names the file and the line that cannot be used.

    In any charset that ``decode`` knows. Words are cleaned as texts are, for they are looked for
    in cleaned ones. A file is read again when its size or time has changed.
    """
    return _joined(tuple((path, *_stamp(path)) for path in paths)) if paths else NOTHING


def _stamp(path: str) -> tuple[int, int]:
    try:
        told = Path(path).stat()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: this dictionary cannot be read: {error}") from error
    return told.st_size, told.st_mtime_ns


@lru_cache(maxsize=8)
def _joined(stamped: tuple[tuple[str, int, int], ...]) -> Dictionary:
    found = [_read(path) for path, _, _ in stamped]
    digests = tuple(digest for digest, _ in found)
    return Dictionary(digests, tuple(entry for _, entries in found for entry in entries))


def _read(path: str) -> tuple[str, tuple[Entry, ...]]:
    try:
        raw = Path(path).read_bytes()
        text = decode(raw)
    except (OSError, MediaError) as error:
        raise ConfigError(f"{path}: this dictionary cannot be read: {error}") from error
    lines = enumerate(text.splitlines(), start=1)
    return content_id(raw), tuple(_entry(path, n, line) for n, line in lines if line.strip())


def _entry(path: str, number: int, line: str) -> Entry:
    where = f"{path}, line {number}"
    if not line.strip(" ").isprintable():
        raise ConfigError(f"{where}: a control character or tab: put one space between the fields")
    matched = _LINE.fullmatch(line.strip())
    if matched is None:
        raise ConfigError(f"{where}: not of the form word, frequency, flag")
    word, frequency, flag = matched.groups()
    if frequency is None and _NUMBER.search(word):
        raise ConfigError(f"{where}: write a whole frequency after the word, then a flag as in n")
    word = clean(word)
    if not 0 < len(word) <= _LONGEST:
        raise ConfigError(f"{where}: a word has 1 to {_LONGEST} characters, not {len(word)}")
    return Entry(word, None if frequency is None else int(frequency), flag)
