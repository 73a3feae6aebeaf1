"""The fusion of a snapshot, made again: by what its manifest says, and from the model it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mmcore.encoders.projections import FittedOn
from mmcore.fusion.base import Fusion, fusion_of
from mmcore.fusion.models import record_of
from mmcore.specs import FusionSpec
from storage.manifest import FusionEntry
from storage.models import load_model
from storage.snapshot import Snapshot

MODEL: Final = "fusion"
"""The model under which the lake keeps the versions of its trained fusions."""


def spec_of(entry: FusionEntry) -> FusionSpec:
    """What made the fused vectors, as a run is told it."""
    return FusionSpec(name=entry.name, weights=entry.weights)


def model_of(snapshot: Snapshot) -> Mapping[str, bytes] | None:
    """The files of the trained fusion that the snapshot names; None where nothing was learned.

    CorruptLakeError where one is missing.
    """
    entry = snapshot.manifest.fusion
    if entry is None or entry.version is None:
        return None
    return load_model(snapshot.layout, snapshot.manifest, MODEL, entry.version)


def published_fusion(snapshot: Snapshot) -> Fusion | None:
    """The fusion that made the snapshot's fused vectors, as it is here; None where there are none.

    Its fingerprint is another than the manifest's where this installation fuses otherwise.
    """
    entry = snapshot.manifest.fusion
    return None if entry is None else fusion_of(spec_of(entry), model_of(snapshot))


def trained_on(snapshot: Snapshot) -> FittedOn:
    """What the snapshot's trained fusion has seen; nothing, where none was trained."""
    files = model_of(snapshot)
    return FittedOn() if files is None else FittedOn.told(record_of(files)["fitted_on"])
