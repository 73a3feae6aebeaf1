"""Fusions with nothing learned that stay in the space of their input: mean, sum, weighted …."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.fusion.base import Files, InPlace, shown
from mmcore.specs import FusionSpec
from mmcore.types import Vectors
from storage.schemas import MODALITIES, digest

VERSION: Final = 1
_TINY: Final = 1e-6  # shorter than this, a sum of unit vectors has no direction worth keeping

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weighted(InPlace):
    """The weighted mean, scaled to length 1; ``weights`` in the order of MODALITIES.

    Where those of the present modalities are all zero, they count alike: no item is lost.
    """

    name: str
    fingerprint: str
    weights: tuple[float, ...]

    def fuse(self, vectors: Weights, has: NDArray[np.bool_]) -> tuple[Vectors, Weights]:
        """See Fusion."""
        visible = shown(vectors, has)
        weights = shares(has, np.asarray(self.weights, dtype=np.float64))
        fused = np.einsum("nm,nmd->nd", weights, visible)
        return directed(fused, visible, has), weights


@dataclass(frozen=True, slots=True)
class Product(InPlace):
    """The signed geometric mean of each coordinate, zero where present modalities differ in sign.

    What all agree on is kept: an "and", where the mean is an "or". Unlike the bare product, two
    negative coordinates stay negative, so a vector of one modality can still query it. Items whose
    modalities agree on nothing get their mean.
    """

    name: str
    fingerprint: str

    def fuse(self, vectors: Weights, has: NDArray[np.bool_]) -> tuple[Vectors, Weights]:
        """See Fusion."""
        visible = shown(vectors, has)
        weights = shares(has, np.ones(len(MODALITIES), dtype=np.float32))
        hidden = ~has[:, :, None]
        positive = np.all((visible > 0) | hidden, axis=1)
        negative = np.all((visible < 0) | hidden, axis=1)
        with np.errstate(divide="ignore"):
            logs = np.where(hidden, 0.0, np.log(np.abs(visible)))
        size = np.exp(np.einsum("nm,nmd->nd", weights, np.maximum(logs, np.log(1e-30))))
        fused = size * (positive.astype(np.float32) - negative)
        mean = np.einsum("nm,nmd->nd", weights, visible)
        lost = np.linalg.norm(fused, axis=1) < _TINY
        return directed(np.where(lost[:, None], mean, fused), visible, has), weights


def shares(has: NDArray[np.bool_], weights: NDArray[np.floating[Any]]) -> Weights:
    """(n, 4): ``weights`` of what is there, each row summing to 1; alike where all are zero.

    In float64, by the largest that is there: sums of no weights are too large, or too small.
    """
    there = has.astype(np.float64)
    weighted = there * weights
    largest = weighted.max(axis=1, keepdims=True)
    chosen = np.where(largest > 0, weighted / np.where(largest > 0, largest, 1.0), there)
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True), dtype=np.float32)


def directed(fused: Weights, visible: Weights, has: NDArray[np.bool_]) -> Vectors:
    """``fused`` scaled to length 1; where vectors cancel out, the first that is there."""
    length = np.linalg.norm(fused, axis=1, keepdims=True)
    first = visible[np.arange(len(has)), np.argmax(has, axis=1)]
    rows = np.where(length < _TINY, first, fused / np.maximum(length, _TINY))
    return np.ascontiguousarray(rows, dtype=np.float32)


def mean(spec: FusionSpec, _: Files | None = None) -> Weighted:
    """Every modality counts alike; ConfigError where ``spec`` has weights."""
    return _alike("mean", spec)


def sum_(spec: FusionSpec, _: Files | None = None) -> Weighted:
    """The sum, scaled to length 1 as all fused vectors are: in the direction of the mean.

    It ranks as the mean does, and is here under the name that papers use.
    """
    return _alike("sum", spec)


def _alike(name: str, spec: FusionSpec) -> Weighted:
    refuse_weights(name, spec)
    made_of = {"fusion": name, "version": VERSION}
    return Weighted(name, digest(made_of), (1.0,) * len(MODALITIES))


def weighted(spec: FusionSpec, _: Files | None = None) -> Weighted:
    """Modalities count by ``spec.weights``; one that is not named there counts 1."""
    unknown = set(spec.weights) - set(MODALITIES)
    if unknown or not all(0 <= weight < np.inf for weight in spec.weights.values()):
        raise ConfigError(
            f"weights of {dict(spec.weights)}: give finite ones, not negative,"
            f" for {', '.join(MODALITIES)}"
        )
    weights = tuple(float(spec.weights.get(modality, 1.0)) for modality in MODALITIES)
    made_of = {"fusion": "weighted", "weights": weights, "version": VERSION}
    return Weighted("weighted", digest(made_of), weights)


def product(spec: FusionSpec, _: Files | None = None) -> Product:
    """What the modalities agree on; ConfigError where ``spec`` has weights."""
    refuse_weights("product", spec)
    return Product("product", digest({"fusion": "product", "version": VERSION}))


def refuse_weights(name: str, spec: FusionSpec) -> None:
    """Raise ConfigError where ``spec`` has weights for a fusion that takes none."""
    if spec.weights:
        raise ConfigError(f"the fusion {name!r} takes no weights: use the fusion 'weighted'")
