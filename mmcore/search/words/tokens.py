"""The words that a text is found by: the same for a stored text and for a query."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Final

from mmcore.media.texts.emoji import EMOJI, MODIFIERS, emoji_words
from mmcore.media.texts.language import HAN
from mmcore.media.texts.variants import simplified
from mmcore.media.texts.words import tokenizer, windows

VERSION: Final = f"2 jieba {version('jieba')}"
"""Raised when the words of a text become others: published ones are not taken over then."""

LONGEST: Final = 128
"""Characters of a word that count: what is longer is no word, as an encoded picture."""

_PAIR: Final = 2
_PIECE: Final = rf"[^\W_{HAN}]+"
_RUN: Final = re.compile(rf"[{HAN}]+|{_PIECE}(?:(?:[-.']|_+){_PIECE})*[+#]{{0,2}}|{EMOJI}")
_BETWEEN: Final = re.compile(r"[-.'_+#]+")
_ENDING: Final = re.compile(r"(.*[-.'_].*)\.[a-z][a-z0-9]{1,4}")
_HAN_RUN: Final = re.compile(f"[{HAN}]+")
_ACCENTED: Final = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_PLAINER: Final = MODIFIERS | str.maketrans(
    {"\u2019": "'", "\u2010": "-", "\u2011": "-", "\u02bc": "'"}
)


def words_of(text: str) -> list[str]:
    """The words of ``text``, one for each time it stands there; jieba is loaded for Chinese.

    Chinese, in simplified characters: jieba's words as it cuts for search engines, and all pairs
    of neighbours, since it may cut a name otherwise in another sentence. Else what stands between
    spaces and punctuation, in lower case; a code (``img_2034.jpg``, ``tux-01``, ``c++``) whole,
    without its ending, and in its parts; a word with accents without them too; emoji. They depend
    on no setting and on no language that is told, so that a query has the words of what is stored.
    """
    found: list[str] = []
    for run in _RUN.findall(_plain(text)):
        found += _searched(run) if is_han(run) else _code(run)
    return found


def words_of_names(names: Sequence[str]) -> list[list[str]]:
    """The words of names and labels, as ``words_of`` finds them in a query; never loads jieba.

    Chinese comes in pairs of neighbours, and whole where it is short. All are brought into one
    form together, which for many is faster than one by one.
    """
    return [
        [word for run in _RUN.findall(line) for word in (_named if is_han(run) else _code)(run)]
        for line in _lines(names)
    ]


def words_of_endings(names: Sequence[str]) -> list[list[str]]:
    """The words that names of files have by their endings: ``img_1.jpg`` and ``jpg``.

    They are those of ``words_of_names`` that the same name without its ending has not.
    """
    return [_of_ending(line) for line in _lines(names)]


def is_han(word: str) -> bool:
    """Whether a word is Chinese."""
    return _HAN_RUN.match(word) is not None


def is_pair(word: str) -> bool:
    """Whether a word is two neighbours that jieba does not know as a word."""
    return len(word) == _PAIR and is_han(word) and not tokenizer().FREQ.get(word)


def _plain(text: str) -> str:
    """One form: compatibility forms, case and script of characters make no difference."""
    if text.isascii():
        return text.lower()
    return simplified(unicodedata.normalize("NFKC", text).translate(_PLAINER).casefold())


def _lines(names: Sequence[str]) -> list[str]:
    """Each name in one form."""
    return _plain("\n".join(" ".join(name.split()) for name in names)).split("\n")[: len(names)]


def _code(run: str) -> list[str]:
    """A code whole, without its ending, and its parts; mostly a word alone, or an emoji."""
    if not run[0].isalnum():
        return [word[:LONGEST] for word in emoji_words(run)]
    found = [run[:LONGEST]]
    if not run.isalnum():
        if "." in run and (ending := _ENDING.fullmatch(run)):
            found.append(ending[1][:LONGEST])
        found += [part[:LONGEST] for part in _BETWEEN.split(run) if part]
    if not run.isascii() and _ACCENTED.search(run):
        apart = unicodedata.normalize("NFD", run)
        found.append("".join(c for c in apart if not unicodedata.combining(c))[:LONGEST])
    return found


def _of_ending(name: str) -> list[str]:
    known = frozenset(_codes(name.rpartition(".")[0]))
    return [word for word in _codes(name) if word not in known]


def _codes(line: str) -> Iterator[str]:
    return (word for run in _RUN.findall(line) if not is_han(run) for word in _code(run))


def _searched(run: str) -> Iterator[str]:
    """Jieba's words of a run of Han characters, and its pairs, among which are those of two."""
    for window in windows(run):
        for word in tokenizer().cut_for_search(window):
            if len(word) != _PAIR:
                yield word
    yield from _pairs(run)


def _named(run: str) -> Iterator[str]:
    if len(run) in (1, 3, 4):  # as jieba mostly has a name
        yield run
    yield from _pairs(run)


def _pairs(run: str) -> Iterator[str]:
    return (one + other for one, other in pairwise(run))
