"""What of a training's settings can be known to be wrong before anybody waits for a server."""

from __future__ import annotations

from flows.config.train import TrainConfig
from mmcore.errors import ConfigError, NothingToLearnError, UnknownPluginError
from mmcore.fusion.base import AUTO, fusions
from storage.layout import Layout
from storage.manifest import Manifest
from storage.schemas import Modality
from tasks.one_medium import one_medium


def check_media(layout: Layout, manifest: Manifest) -> None:
    """Raise NothingToLearnError where there are texts alone, or none, and a head is needed."""
    spaces = {entry.space for entry in manifest.encoders if entry.modality == Modality.TEXT}
    if all(entry.space in spaces for entry in manifest.encoders):
        return
    if why := one_medium(layout.root, manifest):
        raise NothingToLearnError(why)


def check(config: TrainConfig) -> None:
    """Raise the error of a setting that cannot be."""
    if config.fusion not in (AUTO, *fusions.names()):
        raise UnknownPluginError("fusion", config.fusion, (AUTO, *fusions.names()))
    if config.force and not config.promote:
        raise ConfigError("--force lets it serve, and --no-promote does not: say one of them")
