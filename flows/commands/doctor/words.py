"""What `mmindex doctor` says of what it found: what it is, and what to do, in both languages.

``{free:gb}`` is bytes in GB or MB, ``{share:pc}`` a share in percent, ``{days:n}`` a number.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from flows.commands.doctor.words_en import ENGLISH
from flows.commands.doctor.words_zh import CHINESE
from mmcore.inspection.machine.checked import Checked
from mmcore.media.reasons import Language

_FEW: Final = 10
_GB: Final = 1e9

TITLES: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "machine": "This machine",
            "disks": "Disks",
            "models": "Models",
            "libraries": "Libraries and decoders",
            "prefect": "Prefect",
            "lake": "Lake",
        },
        "zh": {
            "machine": "本机",
            "disks": "磁盘",
            "models": "模型",
            "libraries": "库与解码器",
            "prefect": "Prefect",
            "lake": "湖",
        },
    }
)

SAID: Final[Mapping[Language, Mapping[str, tuple[str, str]]]] = MappingProxyType(
    {"en": ENGLISH, "zh": CHINESE}
)
"""Language → what a finding says → the fact, and what to do; "" where there is nothing to do."""


class _Filled(string.Formatter):
    """``str.format`` with units."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """A number by its unit; anything else as ``format`` has it."""
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
    fact, todo = SAID[language][found.said]
    return _FILLED.vformat(fact, (), found.facts), _FILLED.vformat(todo, (), found.facts)
