"""The language in which a command speaks to people."""

from __future__ import annotations

from collections.abc import Mapping

from mmcore.errors import ConfigError
from mmcore.media.reasons import LANGUAGES, Language

LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_of(said: str | None, environment: Mapping[str, str]) -> Language:
    """The language that was said, else that of the locale: Chinese, or English for any other."""
    if said is not None:
        if said not in LANGUAGES:
            raise ConfigError(f"no language {said!r}: use {' or '.join(LANGUAGES)}")
        return said
    locale = next((found for name in LOCALES if (found := environment.get(name))), "")
    return "zh" if locale.lower().startswith("zh") else "en"
