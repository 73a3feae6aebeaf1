"""Heads that training makes of others: moved, corrected by networks, side by side, less hubs.

All are applied by NumPy alone, row by row: a vector does not hang on its batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Features, Reading
from mmcore.encoders.heads import Head, Matrix, language_of
from mmcore.types import Vectors, unit_rows

MOST_TILT: Final = 0.5  # of a vector towards or from all texts, for being a hub
NEAREST: Final = 0.03  # of a bank
_ROWS: Final = 1024  # at once
_TINY: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Unit vectors → what is added to them: by how alike they are to some that are known."""

    anchors: Matrix  # (m, d) unit
    coefficients: Matrix  # (m, d)
    gamma: float  # of exp(-gamma * cosine distance)

    def of(self, vectors: Features) -> Features:
        """(n, d) unit vectors → (n, d); some rows at once, so that memory is bounded."""
        moves = np.zeros((len(vectors), self.coefficients.shape[1]), np.float32)
        for start in range(0, len(vectors), _ROWS):
            alike = 1 - vectors[start : start + _ROWS] @ self.anchors.T
            moves[start : start + _ROWS] = np.exp(-self.gamma * alike) @ self.coefficients
        return moves


@dataclass(frozen=True, slots=True, eq=False)
class MovedHead:
    """Another head's vectors less a mean, turned by a matrix, then moved as their language is.

    ``moves`` by language, all but English and Chinese ones as ``other``; texts of a language
    without one stay where the matrix leads.
    """

    base: Head
    turn: Matrix  # (d, k)
    mean: NDArray[np.float32] | None = None  # (d,)
    moves: Mapping[str, Regression] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """That of the head below: the matrix is made with it."""
        return self.base.state

    def project(self, cells: Vectors, languages: Sequence[str | None]) -> Vectors:
        """(n, dim) cells → (n, k) unit vectors."""
        below = self.base.project(cells, languages)
        if not len(below):
            return np.zeros((0, self.turn.shape[1]), np.float32)
        shifted = below if self.mean is None else below - self.mean
        turned = _somewhere(shifted @ self.turn, self.turn[0])
        moved = turned.copy()
        names = np.array([language_of(language) for language in languages])
        for name, move in self.moves.items():
            mine = names == name
            if mine.any():
                moved[mine] = turned[mine] + move.of(turned[mine])
        return _somewhere(moved, turned)


@dataclass(frozen=True, slots=True, eq=False)
class Mlp:
    """A residual network: in, blocks of LayerNorm → ReLU between two matrices, LayerNorm, out."""

    tensors: Mapping[str, NDArray[np.float32]]  # as training names them
    blocks: int

    def of(self, rows: Features) -> Features:
        """(n, inputs) → (n, d)."""
        hidden = self._linear("enter", rows)
        for number in range(self.blocks):
            inner = np.maximum(self._linear(f"up{number}", _normed(hidden)), 0)
            hidden = hidden + self._linear(f"down{number}", inner)
        return self._linear("leave", _normed(hidden))

    def _linear(self, name: str, rows: Features) -> Features:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return np.asarray(rows @ weight.T + bias)


@dataclass(frozen=True, slots=True, eq=False)
class ResidualHead:
    """Another head's vectors, corrected by the mean of some networks.

    The networks read the vector, and beside it the features of the cell where there is a
    ``comparison``, which makes them alike in scale.
    """

    base: Head
    networks: tuple[Mlp, ...]
    share: float  # of the correction
    reading: Reading | None = None
    comparison: Comparison | None = None

    @property
    def state(self) -> str:
        """Networks are fitted."""
        return "fitted"

    def project(self, cells: Vectors, languages: Sequence[str | None] = ()) -> Vectors:
        """(n, dim) cells → (n, d) unit vectors."""
        start = self.base.project(cells, languages)
        parts = [start[i : i + _ROWS] for i in range(0, len(start), _ROWS)]
        moved = [
            part + self.share * self._correction(part, cells[i * _ROWS : (i + 1) * _ROWS])
            for i, part in enumerate(parts)
        ]
        return _somewhere(np.concatenate(moved), start) if moved else start

    def _correction(self, start: Vectors, cells: Vectors) -> Features:
        rows = start
        if self.comparison is not None and self.reading is not None:
            rows = beside(start, self.comparison.shaped(self.reading.features(cells)))
        return np.asarray(np.mean([network.of(rows) for network in self.networks], axis=0))


def beside(start: Features, shaped: Features) -> Features:
    """(n, d) vectors and (n, f) shaped features → (n, d + f), features as long as a vector."""
    length = np.maximum(np.linalg.norm(shaped, axis=1, keepdims=True), _TINY)
    return np.concatenate([start, shaped / length], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class BlendHead:
    """Vectors of several heads side by side, scaled: a cosine is the weighted sum of theirs.

    A part that a medium has no head for, or that weighs nothing, is zero.
    """

    parts: tuple[Head | None, ...]
    weights: tuple[float, ...]  # sum 1
    dims: tuple[int, ...]

    @property
    def state(self) -> str:
        """``fitted`` where the first part is, of which there always is one."""
        return self.parts[0].state if self.parts[0] is not None else "fitted"

    def project(self, cells: Vectors, languages: Sequence[str | None] = ()) -> Vectors:
        """(n, dim) cells → (n, sum of dims) unit vectors."""
        placed = np.zeros((len(cells), sum(self.dims)), np.float32)
        start = 0
        for part, weight, dim in zip(self.parts, self.weights, self.dims, strict=True):
            if part is not None and weight and len(cells):
                placed[:, start : start + dim] = weight**0.5 * part.project(cells, languages)
            start += dim
        return unit_rows(placed) if len(cells) else placed


@dataclass(frozen=True, slots=True, eq=False)
class HubHead:
    """Another head's vectors and two coordinates, which take from hubs what they get from all.

    A bank of the other kind says how much of a hub a vector is (QB-Norm, Bogolin et al., CVPR
    2022): the mean cosine of its nearest there (CSLS, Conneau et al., ICLR 2018) is taken from all
    its scores, whoever asks. So it can be a coordinate of the vector, its tilt, which the other
    kind meets with ``height``: the first is media's tilt and texts' height, the second texts' tilt
    and media's height. One index and unit vectors serve, and no bank is needed at search. Between
    two texts, and between two media, ``height``² is added to all scores, and the product of their
    tilts, which is small.
    """

    base: Head
    kind: Literal["text", "media"]
    height: float  # 0: of a medium that came later; it has no tilt either
    bank: Matrix | None = None  # (m, d) unit: of the other kind, where the base puts it
    level: float = 0.0  # what vectors get from the bank on average
    strength: float = 1.0

    @property
    def state(self) -> str:
        """That of the head below."""
        return self.base.state

    def project(self, cells: Vectors, languages: Sequence[str | None] = ()) -> Vectors:
        """(n, dim) cells → (n, d + 2) unit vectors."""
        return self.over(self.base.project(cells, languages))

    def over(self, below: Features) -> Vectors:
        """(n, d) unit vectors where the head below puts them → (n, d + 2)."""
        height = np.full((len(below), 1), self.height, np.float32)
        tilt = self._tilts(below) if len(below) else height
        both = [height, tilt] if self.kind == "text" else [tilt, height]
        length = np.sqrt(1 - self.height**2 - tilt**2)
        return np.concatenate([below * length, *both], axis=1, dtype=np.float32)

    def _tilts(self, below: Features) -> NDArray[np.float32]:
        """(n, 1) less than 0 for what the whole bank is near to."""
        if self.bank is None or not self.height:
            return np.zeros((len(below), 1), np.float32)
        scale = self.strength * (1 - self.height**2) / self.height
        blocks = range(0, len(below), _ROWS)
        found = [hubness(below[i : i + _ROWS], self.bank) for i in blocks]
        tilt = -scale * (np.concatenate(found) - self.level)
        return np.asarray(np.clip(tilt, -MOST_TILT, MOST_TILT)[:, None], dtype=np.float32)


def hubness(vectors: Features, bank: Matrix) -> NDArray[np.float64]:
    """(n,) the mean cosine of each vector's nearest NEAREST of the bank."""
    count = max(1, round(NEAREST * len(bank)))
    cosines = np.asarray(vectors @ bank.T, dtype=np.float64)
    return np.asarray(np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1))


def _normed(rows: Features) -> Features:
    """LayerNorm without weights of its own: the next matrix has them."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5))


def _somewhere(rows: Features, otherwise: Features) -> Vectors:
    """Unit rows; one that is lost to zero is ``otherwise``: somewhere, never nowhere."""
    lost = np.linalg.norm(rows, axis=1, keepdims=True) < _TINY
    return unit_rows(np.where(lost, otherwise, rows))
