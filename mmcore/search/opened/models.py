"""The models of a snapshot, made again: its projection and its fusion, as its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mmcore.encoders.projections import FittedOn, Projection
from mmcore.fusion.base import Fusion, fusion_of
from mmcore.fusion.models import record_of
from mmcore.specs import FusionSpec
from storage.manifest import FusionEntry
from storage.models import load_model
from storage.snapshot import Snapshot

PROJECTION: Final = "projection"
"""The model under which the lake keeps the versions of its projection."""

FUSION: Final = "fusion"
"""The model under which the lake keeps the versions of its trained fusions."""


def published_projection(snapshot: Snapshot) -> Projection | None:
    """The projection that the snapshot's manifest names, or None."""
    entry = snapshot.manifest.projection
    if entry is None:
        return None
    files = load_model(snapshot.layout, snapshot.manifest, PROJECTION, entry.version)
    return Projection.from_files(files)


def spec_of(entry: FusionEntry) -> FusionSpec:
    """What made the fused vectors, as a run is told it."""
    return FusionSpec(name=entry.name, weights=entry.weights)


def fusion_files(snapshot: Snapshot) -> Mapping[str, bytes] | None:
    """The files of the trained fusion that the snapshot names; None where nothing was learned.

    CorruptLakeError where one is missing.
    """
    entry = snapshot.manifest.fusion
    if entry is None or entry.version is None:
        return None
    return load_model(snapshot.layout, snapshot.manifest, FUSION, entry.version)


def published_fusion(snapshot: Snapshot) -> Fusion | None:
    """The fusion that made the snapshot's fused vectors, as it is here; None where there are none.

    Its fingerprint is another than the manifest's where this installation fuses otherwise.
    """
    entry = snapshot.manifest.fusion
    return None if entry is None else fusion_of(spec_of(entry), fusion_files(snapshot))


def trained_on(snapshot: Snapshot) -> FittedOn:
    """What the snapshot's trained fusion has seen; nothing, where none was trained."""
    files = fusion_files(snapshot)
    return FittedOn() if files is None else FittedOn.told(record_of(files)["fitted_on"])
