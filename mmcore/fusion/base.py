"""Fusion, the protocol; the registry of fusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.registry import Registry
from mmcore.specs import FusionSpec
from mmcore.types import Vectors
from storage.schemas import MODALITIES

AUTO: Final = "auto"
"""No fusion, but a choice: the one that was promoted, else ``PLAIN``."""

PLAIN: Final = "mean"
"""What items are fused by where nothing better is known."""


class Fusion(Protocol):
    """What an item has → one vector; defined for every subset of modalities but the empty one."""

    @property
    def name(self) -> str:
        """As in the registry."""

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides a fused vector."""

    def space_of(self, space: str) -> str:
        """The space of the fused vectors, where those that are fused lie in ``space``."""

    def dim_of(self, dim: int) -> int:
        """How many numbers a fused vector has, made of vectors of ``dim``."""

    def ask(self, vectors: Vectors) -> Vectors:
        """Queries (n, d) of the shared space as unit vectors (n, dim_of(d)) of the fused space.

        As they are, where that is the same space.
        """

    def fuse(
        self, vectors: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """Fuse the unit vectors (n, 4, d), in the order of MODALITIES, that ``has`` (n, 4) shows.

        Returns unit vectors (n, dim_of(d)) and the weight of each modality (n, 4): rows sum to 1,
        zero where absent. What the mask hides is never looked at, whatever it holds. One modality
        alone keeps its vector (where the fused space is another: in its place there). ValueError
        for an item that has nothing, and for shapes that do not fit.
        """


class InPlace:
    """What fusions have in common whose vectors stay in the space of what is fused."""

    __slots__ = ()

    def space_of(self, space: str) -> str:
        """The same."""
        return space

    def dim_of(self, dim: int) -> int:
        """The same."""
        return dim

    def ask(self, vectors: Vectors) -> Vectors:
        """The same."""
        return vectors


Files = Mapping[str, bytes]
"""A model's files by name."""

Factory = Callable[[FusionSpec, Files | None], Fusion]
"""Makes a fusion of what it is told, and of a model where it was trained."""

fusions: Final[Registry[Factory]] = Registry("mmindex.fusions", "fusion")


def fusion_of(spec: FusionSpec, files: Files | None = None) -> Fusion:
    """The fusion that ``spec`` names, ``auto`` being ``PLAIN`` here; ``files``: its model, if any.

    UnknownPluginError lists the known ones; ConfigError where one lacks the model that it needs.
    """
    return fusions.get(PLAIN if spec.name == AUTO else spec.name)(spec, files)


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
