"""What leads an encoder's cells into the shared space: a head for texts, one for other media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Features, Reading, directions
from mmcore.types import Vectors, unit_rows

LANGUAGES: Final = ("en", "zh", "other")
TOP: Final = 100  # classes that a label vector is made of
TEMPERATURE: Final = 0.5
_ROWS: Final = 1024  # projected at once
_TINY: Final = 1e-6

Matrix = NDArray[np.float32]


def language_of(language: str | None) -> str:
    """``language`` where texts have a mean of their own for it, else ``other``."""
    return language if language in LANGUAGES else "other"


class Head(Protocol):
    """One encoder's cells → unit vectors of the shared space, each row by itself."""

    @property
    def state(self) -> str:
        """``fitted`` where pairs decided it; else what it was made of."""
        ...

    def project(self, cells: Vectors, languages: Sequence[str | None]) -> Vectors:
        """(n, dim) cells → (n, d) unit vectors; ``languages`` (n,) matter to texts only."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TextHead:
    """A text less the mean of its language, at length 1: languages then share the space."""

    state: str  # "background": means of neutral sentences; "fitted": of the lake's texts too
    means: Mapping[str, NDArray[np.float32]]  # language → (d,)

    def project(self, cells: Vectors, languages: Sequence[str | None]) -> Vectors:
        """(n, d) → (n, d); a language without a mean of its own counts as ``other``."""
        if not len(cells):
            return cells
        names = [name if name in self.means else "other" for name in languages]
        moved = cells - np.stack([self.means[str(name)] for name in names])
        lost = np.linalg.norm(moved, axis=1, keepdims=True) < _TINY
        return unit_rows(np.where(lost, cells, moved))


@dataclass(frozen=True, slots=True, eq=False)
class JointHead:
    """Vectors as they are: of encoders with one joint space, which others are led into."""

    state: Literal["joint"] = "joint"

    def project(self, cells: Vectors, languages: Sequence[str | None] = ()) -> Vectors:
        """(n, d) → the same."""
        return cells


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A classifier's classes as vectors of the shared space (ConSE, Norouzi et al., 2014).

    ``by``: classes count by their ``chances``, the likeliest ones alone, or by how far their
    ``scores`` stand out above the mean, squared: that tells more where no class fits.
    """

    weight: Matrix  # (classes, features)
    bias: NDArray[np.float32]  # (classes,)
    vectors: Matrix  # (classes, d): of the classes' names, less what texts have in common
    by: Literal["chances", "scores"] = "chances"

    def place(self, features: Features) -> Features:
        """(n, features) → (n, d) at length 1."""
        found = features[:, : self.weight.shape[1]] @ self.weight.T + self.bias
        return self._by_chances(found) if self.by == "chances" else self._by_scores(found)

    def _by_scores(self, scores: Features) -> Features:
        spread = np.maximum(scores.std(axis=1, keepdims=True), _TINY)
        standard = (scores - scores.mean(axis=1, keepdims=True)) / spread
        return directions(np.maximum(standard, 0) ** 2 @ self.vectors)

    def _by_chances(self, found: Features) -> Features:
        scores = TEMPERATURE * found
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        top = min(TOP, chances.shape[1])
        least = np.partition(chances, -top, axis=1)[:, -top][:, None]
        return directions(np.where(chances >= least, chances, 0) @ self.vectors)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Kernel ridge regression: the pairs it was fitted on, and their coefficients."""

    comparison: Comparison
    support: Matrix  # (n, features), shaped
    coefficients: Matrix  # (n, d)
    ridge: float
    label_share: float  # of the label vector that the regression corrects; 0: none
    mean: NDArray[np.float32] | None = None  # (d,) added to all: of captions that keep their mean


@dataclass(frozen=True, slots=True, eq=False)
class MediaHead:
    """Features → label vector and regression on pairs, then whitened: at least one of the two.

    Whitening (on this side only) takes back what all captions have in common.
    """

    reading: Reading
    whitening: Matrix  # (d, d)
    labels: Labels | None
    fitted: Fitted | None

    @property
    def state(self) -> str:
        """``fitted`` on pairs, or ``label``: made of class names alone."""
        return "label" if self.fitted is None else "fitted"

    def project(self, cells: Vectors, languages: Sequence[str | None] = ()) -> Vectors:
        """(n, dim) cells → (n, d) unit vectors of the shared space."""
        parts = [self._block(cells[i : i + _ROWS]) for i in range(0, len(cells), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.whitening)), np.float32)

    def _block(self, cells: Vectors) -> Vectors:
        features = self.reading.features(cells)
        placed = np.zeros((len(cells), len(self.whitening)))
        share = 1.0 if self.fitted is None else self.fitted.label_share
        if self.labels is not None and share:
            placed += share * self.labels.place(features)
        if self.fitted is not None:
            comparison = self.fitted.comparison
            kernel = comparison.kernel(
                comparison.shaped(features),
                self.fitted.support,
                relative=not share and self.fitted.mean is None,
            )
            placed += kernel @ self.fitted.coefficients
            if self.fitted.mean is not None:
                placed += self.fitted.mean
        whitened = placed @ self.whitening
        lost = np.linalg.norm(whitened, axis=1, keepdims=True) < _TINY**2
        return unit_rows(np.where(lost, self.whitening[0], whitened))  # somewhere, never nowhere
