"""What of a training's settings can be known to be wrong before anybody waits for a server."""

from __future__ import annotations

from flows.config import TrainConfig
from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.fusion.base import AUTO, fusions


def check(config: TrainConfig) -> None:
    """Raise the error of a setting that cannot be."""
    if config.fusion not in (AUTO, *fusions.names()):
        raise UnknownPluginError("fusion", config.fusion, (AUTO, *fusions.names()))
    if config.force and not config.promote:
        raise ConfigError("--force lets it serve, and --no-promote does not: say one of them")
