"""Fusion, the protocol; the registry of fusions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.registry import Registry
from mmcore.specs import FusionSpec
from mmcore.types import Vectors
from storage.schemas import MODALITIES


class Fusion(Protocol):
    """What an item has → one vector; defined for every subset of modalities but the empty one."""

    @property
    def name(self) -> str:
        """As in the registry."""

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides a fused vector."""

    def fuse(
        self, vectors: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """Fuse the unit vectors (n, 4, d), in the order of MODALITIES, that ``has`` (n, 4) shows.

        Returns unit vectors (n, d) and the weight of each modality (n, 4): rows sum to 1, zero
        where absent. What the mask hides is never looked at, whatever it holds. One modality alone
        keeps its vector. ValueError for an item that has nothing, and for shapes that do not fit.
        """


Factory = Callable[[FusionSpec], Fusion]

fusions: Final[Registry[Factory]] = Registry("mmindex.fusions", "fusion")


def fusion_of(spec: FusionSpec) -> Fusion:
    """The fusion that ``spec`` names; UnknownPluginError lists the known ones."""
    return fusions.get(spec.name)(spec)


def shown(vectors: NDArray[Any], has: NDArray[np.bool_]) -> NDArray[np.float32]:
    """``vectors`` with zeros where the mask hides them; checks what every fusion may rely on."""
    if vectors.ndim != 3 or vectors.shape[:2] != has.shape or has.shape[1] != len(MODALITIES):  # noqa: PLR2004
        raise ValueError(
            f"vectors of {vectors.shape} and a mask of {has.shape}, not (n, 4, d), (n, 4)"
        )
    if not has.any(axis=1).all():
        empty = int(np.argmin(has.any(axis=1)))
        raise ValueError(f"item {empty} of the batch has no modality: there is nothing to fuse")
    return np.where(has[:, :, None], vectors, np.float32(0)).astype(np.float32)
