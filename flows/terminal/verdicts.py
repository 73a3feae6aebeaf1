"""Verdicts of the gate as words, each in its colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mmcore.media.reasons import Language

STYLES: Final[Mapping[str, str]] = {
    "pass": "green",
    "warn": "yellow",
    "block": "bold red",
    "failed": "bold red",
    "unmeasured": "yellow",
}
NAMES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {name: name for name in STYLES},
    "zh": {
        "pass": "通过",
        "warn": "警告",
        "block": "已拦截",
        "failed": "评测失败",
        "unmeasured": "未评定",
    },
}


def verdict_line(status: str, language: Language) -> str:
    """A verdict in its colour, and as a word."""
    return f"[{STYLES[status]}]{NAMES[language][status]}[/]"
