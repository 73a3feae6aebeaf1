"""Settings without an option of their own: ``--set SECTION.NAME=VALUE``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mmcore.errors import ConfigError


def overridden(settings: Mapping[str, Any], said: Iterable[str]) -> dict[str, Any]:
    """``settings`` with each ``SECTION.NAME=VALUE`` put in; a value is JSON, else a text.

    Raises ConfigError for what is no such assignment; what the names mean is not looked at.
    """
    result = dict(settings)
    for one in said:
        path, equals, value = one.partition("=")
        section, dot, name = path.strip().partition(".")
        if not (equals and dot and section and name) or "." in name:
            raise ConfigError(
                f"--set {one!r}: write SECTION.NAME=VALUE, such as limits.max_pixels=200000000"
            )
        result[section] = {**_section(result.get(section, {}), section), name: _value(value)}
    return result


def _section(found: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise ConfigError(f"--set: {name!r} is no section of settings, it has an option --{name}")
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
