"""Sounds of different lengths in arrays of one shape: what is not there is NaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.specs import SegmentationSpec


def longest_window(segmentation: SegmentationSpec, rate: int) -> int:
    """Samples at ``rate`` of the longest window: the last one may be a quarter longer."""
    size = max(1, round(segmentation.audio_window * RATE))
    return -(-(size + size // 4) * rate // RATE)


def filled_up(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """(n, …) → (``count``, …), NaN behind the ``n``; ConfigError for more than ``count``."""
    if len(rows) > count:
        raise ConfigError(
            f"a sound is {len(rows) / count:.2f} times as long as the longest window of"
            " segmentation.audio_window: cut it into windows first"
        )
    whole = np.full((count, *rows.shape[1:]), np.nan, dtype=np.float32)
    whole[: len(rows)] = rows
    return whole


def lengths_of(batch: NDArray[Any]) -> NDArray[np.int64]:
    """(n, count, …) of what ``filled_up`` gave → (n,) rows that are there."""
    first = batch.reshape(*batch.shape[:2], -1)[:, :, 0]
    found: NDArray[np.int64] = (~np.isnan(first)).sum(axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Samples:
    """A window as its samples: (``count``,), NaN behind the last one."""

    count: int
    dtype = "float32"

    @property
    def shape(self) -> tuple[int]:
        """Of what ``shaped`` gives."""
        return (self.count,)

    def shaped(self, samples: Waveform) -> NDArray[np.float32]:
        """Mono samples at 16 kHz → (count,)."""
        return filled_up(np.asarray(samples, dtype=np.float32), self.count)
