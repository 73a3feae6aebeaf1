"""The ``config.json`` of a checkpoint in transformers' layout: architecture and fields."""

from __future__ import annotations

from typing import Any, Final

from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

CONFIG: Final = "config.json"


def config_of(folder: Folder, *kinds: str, hint: str = "") -> dict[str, Any]:
    """What it says; ConfigError, with ``hint``, where its ``model_type`` is none of ``kinds``."""
    config: dict[str, Any] = folder.json(CONFIG)
    if (found := config.get("model_type")) not in kinds:
        known = " or ".join(map(repr, kinds))
        raise ConfigError(f"{folder.path / CONFIG}: model_type is {found!r}, not {known}{hint}")
    return config


def field_of(folder: Folder, config: dict[str, Any], name: str, kind: type = int) -> Any:
    """A field of it; ConfigError where it is missing or of another kind."""
    found = config.get(name)
    if not isinstance(found, kind) or isinstance(found, bool) is not (kind is bool):
        raise ConfigError(f"{folder.path / CONFIG}: {name} is {found!r}")
    return found
