"""What each reason of a rejection means to people, and what they can do, in two languages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Language = Literal["en", "zh"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
EVERY_STAGE: Final = "any"


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence or two each."""

    means: str
    todo: str


def advice(stage: str, reason: str, language: Language) -> Advice | None:
    """What is said of ``reason`` at ``stage``; None of one that is not ours."""
    table = _catalogue()
    found = table.get(stage, {}).get(reason) or table[EVERY_STAGE].get(reason)
    return None if found is None else Advice(*found[language])


def known() -> dict[str, tuple[str, ...]]:
    """The reasons of the catalogue by stage; those of ``EVERY_STAGE`` hold for all."""
    return {stage: tuple(reasons) for stage, reasons in _catalogue().items()}


@cache
def _catalogue() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Stage → reason → language → what it means, what to do: ``reasons.toml``."""
    return tomllib.loads(files("mmcore.media").joinpath("reasons.toml").read_text("utf-8"))
