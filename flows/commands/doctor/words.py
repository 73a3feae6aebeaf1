"""What `mmindex doctor` says of what it found, in both languages: ``words.toml``."""

from __future__ import annotations

import string
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mmcore.counting import Number
from mmcore.inspection.machine.checked import Checked
from mmcore.media.reasons import LANGUAGES, Language

_FEW: Final = 10
_GB: Final = 1e9


def titles(language: Language) -> dict[str, str]:
    """Group of checks → its heading."""
    place = LANGUAGES.index(language)
    return {group: both[place] for group, both in _words()["title"].items()}


@cache
def catalogue(language: Language) -> dict[str, tuple[str, str]]:
    """What a finding says → the fact, and what to do; "" where there is nothing to do."""
    return {name: _pair(*of[language]) for name, of in _words()["said"].items()}


def _pair(fact: str, todo: str = "") -> tuple[str, str]:
    return fact, todo


@cache
def _words() -> dict[str, dict[str, Any]]:
    """``title``: group → English, Chinese; ``said``: finding → language → fact, what to do."""
    place = files("flows.commands.doctor").joinpath("words.toml")
    return tomllib.loads(place.read_text("utf-8"))


class _Filled(string.Formatter):
    """``str.format`` with units."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """A number by its unit, or the word that fits it; else as ``format`` has it."""
        if "|" in format_spec:
            return f"{Number(value):{format_spec}}"
        if format_spec == "gb":
            return _bytes(value)
        if format_spec == "pc":
            return f"{value:.1%}"
        if format_spec == "n":
            return f"{value:,.1f}" if value < _FEW else f"{value:,.0f}"
        return str(super().format_field(value, format_spec))


_FILLED: Final = _Filled()


def _bytes(count: float) -> str:
    unit, number = ("GB", count / 1e9) if count >= _GB else ("MB", count / 1e6)
    return f"{number:,.1f} {unit}" if number < _FEW else f"{number:,.0f} {unit}"


def told(found: Checked, language: Language) -> tuple[str, str]:
    """The fact and what to do, each in one line; the second is empty where all is well."""
    fact, todo = catalogue(language)[found.said]
    return _FILLED.vformat(fact, (), found.facts), _FILLED.vformat(todo, (), found.facts)
