"""What two snapshots both hold: only there can they be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.snapshot import Snapshot

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The pairs of item and content that both snapshots name, whatever was embedded of them."""

    pairs: frozenset[tuple[int, str]]

    @classmethod
    def common(cls, before: Snapshot, after: Snapshot) -> World:
        """By the tables ``item_files`` of both."""
        raise NotImplementedError

    @property
    def digest(self) -> str:
        """Names it: equal worlds, equal digests."""
        raise NotImplementedError
