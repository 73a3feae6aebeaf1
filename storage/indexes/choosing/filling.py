"""How the index of a kind gets its rows: all at once here, or by whatever is put in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.indexes.choosing.kinds import Kind
from storage.indexes.choosing.structure import fill

Train = Callable[[], Any]
"""Makes the empty index of a kind, trained."""


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """An index with all of its rows; ``file``: where it lies, if its lists were left there."""

    index: Any
    file: Path | None = None


class Filling(Protocol):
    """Makes indexes of any kind over the same rows."""

    @property
    def folder(self) -> Path | None:
        """Where what is made is kept, and found by whoever goes on with it; None: nowhere."""

    def form(self, kind: Kind, n: int, memory: int | None) -> Kind:
        """The kind as it is made of ``n`` rows within ``memory`` bytes, if that is bounded.

        It may be the same with its lists left on disk.
        """

    def filled(
        self, kind: Kind, train: Train, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> Filled:
        """The index of a kind, as ``form`` gave it, over ``vectors`` (n, d) under ``ids`` (n,)."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Fills at once, in this process and in memory."""

    folder: Path | None = None

    def form(self, kind: Kind, n: int, memory: int | None) -> Kind:
        """The kind as it is."""
        return kind

    def filled(
        self, kind: Kind, train: Train, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> Filled:
        """See ``Filling``."""
        return Filled(fill(train(), ids, vectors))
