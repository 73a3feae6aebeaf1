"""Where a run works and how: what every task of one run needs, small enough to pass by value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mmcore.media.reading.readers import readers_of
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec, StorageSpec
from mmcore.types import EncoderKey
from storage.layout import Layout
from storage.rewrite import compression_of
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot
from tasks.sight import Sight


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
    staging: Path | None = None  # where decoded shards wait; None: where the lake has it
    sight: Sight | None = None  # what workers of other machines have to see, if there are any

    @classmethod
    def of(cls, snapshot: Snapshot) -> Workplace:
        """Where a snapshot's own rows are worked on, by what it was made with; loads no model."""
        told = snapshot.manifest
        parts = [snapshot.layout.root / path for path in told.paths(FUSED)]
        return cls(
            lake=snapshot.layout,
            preset=told.preset,
            segmentation=SegmentationSpec.model_validate(told.specs.get("segmentation", {})),
            limits=LimitsSpec(),
            runtime=RuntimeSpec(),
            storage=StorageSpec(dtype=told.dtype, compression=compression_of(parts)),
            private=told.private,
        )

    def cells_of(self, key: EncoderKey) -> Path:
        """The folder of an encoder's cells, in the dtype that this run stores."""
        return self.lake.embeddings(key.modality, key.name, key.fingerprint, self.storage.dtype)

    def readings(self, key: EncoderKey) -> tuple[tuple[str, tuple[Modality, ...]], ...]:
        """Who reads contents for an encoder, and which: "" stands for decoding them as they are.

        What readers of text find in pictures and speech is for the text encoder.
        """
        own = ("", key.reads)
        if key.modality is not Modality.TEXT:
            return (own,)
        return (own, *((one.source, one.reads) for one in readers_of(self.segmentation)))

    def readers(self, key: EncoderKey) -> tuple[str, ...]:
        """The sources of ``readings``."""
        return tuple(reader for reader, _ in self.readings(key))
