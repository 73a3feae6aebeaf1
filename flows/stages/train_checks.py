"""What of a training's settings can be known to be wrong before anybody waits for a server."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from flows.config.train import TrainConfig
from mmcore.errors import ConfigError, NothingToLearnError, TrainingError, UnknownPluginError
from mmcore.fusion.base import AUTO, fusions
from mmcore.specs import FitSpec
from mmcore.types import EncoderKey
from storage import candidates
from storage.erasure import orders
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.schemas import Modality
from tasks.one_medium import one_medium

SMALL: Final = 2000
"""Items of a lake whose pairs are counted first: that takes less than a server's start."""


def check_media(layout: Layout, manifest: Manifest) -> None:
    """Raise NothingToLearnError where there are texts alone, or none, and a head is needed."""
    spaces = {entry.space for entry in manifest.encoders if entry.modality == Modality.TEXT}
    if all(entry.space in spaces for entry in manifest.encoders):
        return
    if why := one_medium(layout.root, manifest):
        raise NothingToLearnError(why)


def check_pairs(layout: Layout, manifest: Manifest) -> None:
    """Raise NothingToLearnError where a small lake has too few pairs.

    What is damaged or unfinished in it is the flow's to tell, and to mend.
    """
    from storage.snapshot import Snapshot  # noqa: PLC0415 - loads faiss
    from tasks.training_rows import lesson  # noqa: PLC0415 - the same

    small = manifest.counts.get("items", 0) <= SMALL
    if not small or candidates.unjudged(layout) or orders.interrupted(layout):
        return
    spec = FitSpec.model_validate(manifest.specs.get("fit", {}))
    keys = [
        EncoderKey(one.modality, one.name, one.fingerprint, one.space, one.dim, (one.modality,))
        for one in manifest.encoders
    ]
    with suppress(CorruptLakeError, TrainingError):
        lesson(Snapshot.of(layout, manifest), keys, spec)


def check(config: TrainConfig) -> None:
    """Raise the error of a setting that cannot be."""
    if config.fusion not in (AUTO, *fusions.names()):
        raise UnknownPluginError("fusion", config.fusion, (AUTO, *fusions.names()))
    if config.force and not config.promote:
        raise ConfigError("--force lets it serve, and --no-promote does not: say one of them")
