"""What a device's process is asked to do, and what it answers: JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mmcore.embedding.embedding import Embedding, Work
from mmcore.media.prepared import Prepared
from mmcore.processes.telling import encoder_from
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Shard

VECTORS: Final = "vectors.npy"
"""In the folder of the prepared shard: what the process computed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A prepared shard to be embedded."""

    prepared: Prepared
    segmentation: SegmentationSpec
    runtime: RuntimeSpec

    def to_json(self) -> dict[str, Any]:
        """As JSON-like values; which contents a shard is of, a model need not know."""
        return {
            "encoder": asdict(self.prepared.shard.encoder),
            "folder": str(self.prepared.folder),
            "count": self.prepared.count,
            "segmentation": self.segmentation.model_dump(mode="json"),
            "runtime": self.runtime.model_dump(mode="json"),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Job:
        """What ``to_json`` made: the shard has no contents."""
        shard = Shard(encoder_from(told["encoder"]), ())
        return cls(
            Prepared(shard, Path(told["folder"]), told["count"]),
            SegmentationSpec.model_validate(told["segmentation"]),
            RuntimeSpec.model_validate(told["runtime"]),
        )


def told_embedding(found: Embedding, folder: Path) -> dict[str, Any]:
    """Leave the vectors in ``folder``; the rest as JSON-like values."""
    np.save(folder / VECTORS, found.vectors, allow_pickle=False)
    return {
        "compute": dict(found.compute),
        "truncated": dict(found.truncated),
        "work": asdict(found.work),
    }


def embedding_from(told: Mapping[str, Any], folder: Path) -> Embedding:
    """What ``told_embedding`` told."""
    work = told["work"]
    batches = {int(rows): count for rows, count in work["batches"].items()}
    return Embedding(
        np.load(folder / VECTORS, allow_pickle=False),
        told["compute"],
        told["truncated"],
        Work(**{**work, "batches": batches}),
    )
