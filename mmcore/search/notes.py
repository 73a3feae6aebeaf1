"""What a search tells people, in English and in Chinese: ``notes.toml``.

A note, and the message of most errors of a search, is a ``Note``: its English text, which knows of
what it was made. So it goes wherever a text goes, and is said in the other language where somebody
reads it: ``said``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from mmcore.counting import Number
from mmcore.errors import MediaError, SpaceMismatchError
from mmcore.media.reasons import LANGUAGES, Language, advice

Told = str | BaseException
Fact = Told | int | tuple[str, ...]

_BETWEEN: Final[Mapping[Language, str]] = {"en": ", ", "zh": "、"}
_MEDIA: Final = frozenset({"medium", "by", "media"})
_PLACE: Final = {language: place for place, language in enumerate(LANGUAGES)}


class Note(str):
    """One sentence, in English as it is.

    Args:
        code: its entry in ``notes.toml``.
        facts: what fills its braces. A note or an error within is said in the language, and so
            are ``medium``, ``by`` and ``media``, which name media; a number has its commas.
    """

    __slots__ = ("code", "facts")

    code: str
    facts: Mapping[str, Fact]

    def __new__(cls, code: str, /, **facts: Fact) -> Note:
        """KeyError for a code or a fact that the words do not have."""
        note = super().__new__(cls, _filled(code, facts, "en"))
        note.code, note.facts = code, MappingProxyType(facts)
        return note

    def said(self, language: Language) -> str:
        """It in a language."""
        return _filled(self.code, self.facts, language)

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again of what it was made of, where it crosses from another process."""
        return _again, (self.code, dict(self.facts))


def said(told: Told, language: Language) -> str:
    """A note or an error in a language; one that is known in English alone stays as it is."""
    if isinstance(told, SpaceMismatchError):
        return _mismatch(told).said(language)
    if isinstance(told, MediaError):
        return _of_media(told, language)
    first = told.args[0] if isinstance(told, BaseException) and told.args else told
    return first.said(language) if isinstance(first, Note) else str(told)


def _mismatch(error: SpaceMismatchError) -> Note:
    if error.hint:
        return Note("mismatch-hint", query=error.query, index=error.index, hint=error.hint)
    return Note("mismatch", query=error.query, index=error.index)


def _of_media(error: MediaError, language: Language) -> str:
    """What a decoder says in English; in Chinese what the reason means, and what helps."""
    found = advice(error.stage, error.reason, language) if language != "en" else None
    return error.message if found is None else found.means + found.todo


def _filled(code: str, facts: Mapping[str, Fact], language: Language) -> str:
    text = _words()["note"][code][_PLACE[language]]
    return text.format(**{name: _in(name, fact, language) for name, fact in facts.items()})


def _in(name: str, fact: Fact, language: Language) -> str | Number:
    if isinstance(fact, tuple):
        return _BETWEEN[language].join(str(_in(name, one, language)) for one in fact)
    if isinstance(fact, int):
        return Number(fact)
    if name in _MEDIA and isinstance(fact, str):
        named = _words()["medium"].get(fact)
        return fact if named is None else named[_PLACE[language]]
    return said(fact, language)


def _again(code: str, facts: Mapping[str, Fact]) -> Note:
    return Note(code, **facts)


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    """Section → name → English, Chinese: ``notes.toml``."""
    return tomllib.loads(files("mmcore.search").joinpath("notes.toml").read_text("utf-8"))
