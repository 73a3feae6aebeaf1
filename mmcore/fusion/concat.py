"""Concatenation: a block for each modality, in a space of its own. Nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.fusion.base import Files, shown
from mmcore.fusion.simple import refuse_weights, shares
from mmcore.specs import FusionSpec
from mmcore.types import Vectors
from storage.schemas import MODALITIES, digest

VERSION: Final = 1
NAME: Final = "concat"
BLOCKS: Final = len(MODALITIES)


@dataclass(frozen=True, slots=True)
class Concat:
    """The vectors side by side, in the order of MODALITIES; zeros where a modality is absent.

    Two items are alike as far as each modality is like the same one of the other. A query of the
    shared space may be like any of them: it is asked in all blocks.
    """

    name: str
    fingerprint: str

    def space_of(self, space: str) -> str:
        """``<space>/concat``."""
        return f"{space}/{NAME}"

    def dim_of(self, dim: int) -> int:
        """A block of ``dim`` for each modality."""
        return BLOCKS * dim

    def ask(self, vectors: Vectors) -> Vectors:
        """(n, 4·d): the query in each block, scaled to length 1.

        Its product with an item of k modalities is the sum of its products with each of them, by
        2·sqrt(k).
        """
        return np.ascontiguousarray(np.tile(vectors, (1, BLOCKS)) / np.float32(BLOCKS**0.5))

    def fuse(
        self, vectors: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """See Fusion."""
        visible = shown(vectors, has)
        weights = shares(has, np.ones(BLOCKS, dtype=np.float32))
        fused = (visible * np.sqrt(weights)[:, :, None]).reshape(
            len(visible), BLOCKS * visible.shape[2]
        )
        return np.ascontiguousarray(fused, dtype=np.float32), weights


def concat(spec: FusionSpec, _: Files | None = None) -> Concat:
    """The modalities side by side; ConfigError where ``spec`` has weights."""
    refuse_weights(NAME, spec)
    return Concat(NAME, digest({"fusion": NAME, "version": VERSION}))
