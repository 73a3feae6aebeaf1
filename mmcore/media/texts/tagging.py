"""Words with their parts of speech, by jieba."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mmcore.media.texts.dictionaries import Dictionary, read_dictionaries
from mmcore.media.texts.words import joined, spaced_places, tokenizer, windows

_lock: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, its part of speech as jieba flags it, and where it stands."""

    word: str
    flag: str  # n, v, a … of the Peking University set; eng: Latin letters; m: number; x: else
    start: int  # code points of the text
    end: int


def tagged(text: str, dictionaries: Sequence[str] = ()) -> list[Word]:
    """The words of ``text`` in order with their parts of speech, punctuation too, spaces not.

    ``dictionaries``: paths; ConfigError where one cannot be used. The flag of a word that it
    gives none is ``x``. Any number of threads may ask.
    """
    dictionary = read_dictionaries(dictionaries)
    found = list(_tagged(text, dictionary))
    flags = {word.start: word.flag for word in found}
    tiles = ((word.start, word.end) for word in found)
    made = []
    for start, end in joined(tiles, spaced_places(text, dictionary)):
        word = text[start:end]
        if not word.isspace():
            made.append(Word(word, dictionary.flags.get(word, flags[start]), start, end))
    return made


def _tagged(text: str, dictionary: Dictionary) -> Iterator[Word]:
    """Jieba's words, spaces too: they tile ``text``."""
    position, tagger = 0, _tagger(dictionary)
    for pair in (pair for window in windows(text) for pair in tagger.cut(window)):
        for part in pair.word if pair.word in dictionary.denied else (pair.word,):
            yield Word(part, pair.flag, position, position + len(part))
            position += len(part)


def _tagger(dictionary: Dictionary) -> Any:
    with _lock:
        return _load(dictionary)


@lru_cache(maxsize=4)
def _load(dictionary: Dictionary) -> Any:
    known = tokenizer(dictionary)
    with warnings.catch_warnings():  # invalid escapes in jieba 0.42.1
        warnings.simplefilter("ignore")
        from jieba.posseg import POSTokenizer  # noqa: PLC0415 - slow to import, seldom needed
    tagger = POSTokenizer(known)
    tagger.makesure_userdict_loaded()  # else the first text would change it, in any thread
    return tagger
