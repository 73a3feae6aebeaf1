"""Where a run works and how: what every task of one run needs, small enough to pass by value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec, StorageSpec
from mmcore.types import EncoderKey
from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class Workplace:
    """The lake, the preset, and the specs that cutting and computing depend on."""

    lake: Layout
    preset: str
    segmentation: SegmentationSpec
    limits: LimitsSpec
    runtime: RuntimeSpec
    storage: StorageSpec = field(default_factory=StorageSpec)
    private: bool = False  # no name and no text of a file stays

    def cells_of(self, key: EncoderKey) -> Path:
        """The folder of an encoder's cells, in the dtype that this run stores."""
        return self.lake.embeddings(key.modality, key.name, key.fingerprint, self.storage.dtype)
