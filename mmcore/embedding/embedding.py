"""What became of a shard: vectors, and how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmcore.types import Vectors


@dataclass(frozen=True, slots=True)
class Work:
    """What a device did for one shard; the times are of ``time.monotonic`` in the asking process.

    From ``began`` to ``ended`` the device was the shard's own. ``seconds`` of that the model ran;
    the others went into loading it, reading, tokens, and into waiting for another run's model.
    """

    device: str
    dtype: str
    seconds: float
    batches: Mapping[int, int]  # rows → how many batches of so many
    halved: int = 0  # batches for which the device had no memory
    settled: int | None = None  # rows at most since the last of them
    slot: int = 0  # which of the run's devices: two may be of one name, the CPU
    began: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A shard's vectors, (count, dim) unit rows in the order of its segments."""

    vectors: Vectors
    compute: Mapping[str, str]  # as of an encoder, with the device's name in the asking process
    truncated: Mapping[str, int]  # content → segments of which the model took the beginning
    work: Work
