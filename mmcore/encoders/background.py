"""Neutral sentences in both languages: what texts have in common, before a lake has its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files


def sentences() -> Mapping[str, tuple[str, ...]]:
    """About forty for each of ``en`` and ``zh``, in no lake's words."""
    text = files("mmcore.encoders").joinpath("background.json").read_text("utf-8")
    return {language: tuple(found) for language, found in json.loads(text).items()}
