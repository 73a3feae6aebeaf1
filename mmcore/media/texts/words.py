"""Words of Chinese and English, by jieba, with a user's own dictionaries."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Final

from mmcore.media.limits import beating
from mmcore.media.texts.dictionaries import NOTHING, PLAIN, Dictionary, read_dictionaries
from mmcore.media.texts.language import HAN

_HAN: Final = re.compile(f"[{HAN}]")
_SPACED: Final = re.compile(r"\S*\s*")
_WINDOW: Final = re.compile(r"(?s).{1,20000}(?:(?<=[^\w+#&.%-])|\Z)|.{1,20000}")
_lock: Final = threading.RLock()

Range = tuple[int, int]


def words(text: str, dictionaries: Sequence[str] = ()) -> list[str]:
    """The words of ``text`` in order, punctuation too, spaces not.

    ``dictionaries``: paths; ConfigError where one cannot be used. Any number of threads may ask.
    """
    dictionary = read_dictionaries(dictionaries)
    ranges = joined(_ranges(text, dictionary), spaced_places(text, dictionary))
    return [text[start:end] for start, end in ranges if not text[start:end].isspace()]


def ends(text: str, dictionaries: Sequence[str] = ()) -> Iterator[Range]:
    """(start, end) of the words of ``text`` in code points; with spaces they tile it.

    No range ends inside a word of the dictionaries, wherever jieba would end it.
    """
    dictionary = read_dictionaries(dictionaries)
    if _HAN.search(text):
        ranges = _ranges(text, dictionary)
    else:
        ranges = (m.span() for m in _SPACED.finditer(text) if m.group())
    return whole(ranges, dictionary.places(text))


def whole(ranges: Iterable[Range], places: Iterable[Range]) -> Iterator[Range]:
    """``ranges``, which tile a text, joined where one would end inside one of ``places``."""
    waiting = iter(places)
    place = next(waiting, None)
    first: int | None = None
    for start, end in ranges:
        first = start if first is None else first
        while place is not None and place[1] <= end:
            place = next(waiting, None)
        if place is None or not place[0] < end:
            yield first, end
            first = None


def joined(ranges: Iterable[Range], places: Iterable[Range]) -> Iterator[Range]:
    """``ranges``, which tile a text, joined where several together are one of ``places``."""
    tiles = list(ranges)
    starts, stops = {start for start, _ in tiles}, {end for _, end in tiles}
    return whole(tiles, (p for p in places if p[0] in starts and p[1] in stops))


def spaced_places(text: str, dictionary: Dictionary) -> Iterator[Range]:
    """Where ``text`` has words that jieba never sees whole: with spaces or punctuation."""
    if dictionary.spaced:
        for start, end in dictionary.places(text):
            if not PLAIN.fullmatch(text, start, end):
                yield start, end


def _ranges(text: str, dictionary: Dictionary) -> Iterator[Range]:
    position, known = 0, tokenizer(dictionary)
    for word in beating(word for window in windows(text) for word in known.cut(window)):
        for part in word if word in dictionary.denied else (word,):
            yield position, position + len(part)
            position += len(part)


def windows(text: str) -> list[str]:
    """``text`` in parts that jieba can take: its memory grows with what has no punctuation."""
    return _WINDOW.findall(text)


def tokenizer(dictionary: Dictionary = NOTHING) -> Any:
    """Jieba's tokenizer that knows ``dictionary``; made once."""
    with _lock:
        return _plain() if dictionary == NOTHING else _taught(dictionary)


@cache
def _plain() -> Any:
    """Make jieba's tokenizer, quietly, without its cache: a marshal file in a shared folder."""
    with warnings.catch_warnings():  # invalid escapes and pkg_resources in jieba 0.42.1
        warnings.simplefilter("ignore")
        import jieba  # noqa: PLC0415 - slow to import, seldom needed
    jieba.setLogLevel(logging.WARNING)
    made = jieba.Tokenizer()
    made.FREQ, made.total = made.gen_pfdict(made.get_dict_file())
    made.initialized = True
    return made


@lru_cache(maxsize=4)
def _taught(dictionary: Dictionary) -> Any:
    """A tokenizer of its own. A denied word is only forgotten: jieba would split it everywhere."""
    plain = _plain()
    made = type(plain)()
    made.FREQ, made.total, made.initialized = dict(plain.FREQ), plain.total, True
    for entry in dictionary.entries:
        if entry.word in dictionary.words:
            made.add_word(entry.word, entry.frequency or None, entry.flag)
        else:
            made.FREQ[entry.word] = 0
    return made
