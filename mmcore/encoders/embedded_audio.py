"""Sounds by statistics of their log-mel spectra: nothing learned, nothing to download."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Group, Reading, homogeneous
from mmcore.media.versions import cutting
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, Vectors
from storage.schemas import Modality, digest

VERSION: Final = 1
STATISTICS: Final = (  # name, numbers, and typical mean and deviation over a few hundred sounds
    ("mean", 64, -3.2, 3.6),
    ("std", 64, 2.1, 1.1),
    ("p10", 64, -5.9, 3.4),
    ("p90", 64, -0.7, 4.3),
    ("dstd", 64, 1.0, 0.4),
    ("mfm", 20, -1.1, 8.6),
    ("mfs", 20, 2.5, 3.1),
    ("mfd", 20, 1.4, 0.9),
    ("mod", 48, 6.0, 3.5),
    ("ent", 4, 1.4, 1.2),
)
NUMBERS: Final = sum(count for _, count, _, _ in STATISTICS)
CONSTANT: Final = 1.0


def _reading() -> Reading:
    """Each statistic is a group: all count alike, however many numbers it has."""
    ends = np.cumsum([count for _, count, _, _ in STATISTICS]).tolist()
    starts = [0, *ends[:-1]]
    groups = (Group(start, end, "scaled") for start, end in zip(starts, ends, strict=True))
    return Reading(tuple(groups), CONSTANT)


class LogMel:
    """The sound encoder of the preset ``embedded``: 432 statistics of a window, and a constant.

    Cells are in homogeneous coordinates, each group of statistics brought to a common scale, so
    that the cosine in its own space compares sounds, and a head can have the statistics back.
    """

    licence = "Apache-2.0"
    shape = (NUMBERS,)
    dtype = "float32"
    size = 0
    reading = _reading()

    def __init__(self, segmentation: SegmentationSpec) -> None:
        self._segmentation = segmentation

    @cached_property
    def key(self) -> EncoderKey:
        """Fingerprint of the statistics, their scales and the length of a window."""
        reads = (Modality.AUDIO, Modality.VIDEO)
        made_of = {
            "model": "logmel statistics",
            "rate": 16_000,
            "statistics": STATISTICS,
            "constant": CONSTANT,
            "cutting": cutting(self._segmentation, Modality.AUDIO, *reads),
            "version": VERSION,
        }
        return EncoderKey(Modality.AUDIO, "logmel", digest(made_of), "logmel", NUMBERS + 1, reads)

    @property
    def compute(self) -> Mapping[str, str]:
        """The spectra are made where the sound is decoded."""
        return {"dtype": "float32", "device": "cpu"}

    def prepare(self, decoded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples at 16 kHz → (432,) statistics, on a common scale."""
        from mmcore.encoders.spectra import statistics  # noqa: PLC0415 - imports torch

        found = statistics(decoded)
        parts = [
            (found[name] - mean) / (deviation * np.sqrt(count))
            for name, count, mean, deviation in STATISTICS
        ]
        return np.concatenate(parts).astype(np.float32)

    def encode(self, inputs: Any) -> Vectors:
        """(n, 432) statistics → (n, 433)."""
        if not len(inputs):
            return np.zeros((0, self.key.dim), dtype=np.float32)
        return homogeneous(np.asarray(inputs), CONSTANT)

    def encode_query(self, decoded: NDArray[np.float32]) -> Vectors:
        """Embed one sound of a window's length: (433,)."""
        vector: Vectors = self.encode(self.prepare(decoded)[None])[0]
        return vector


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> LogMel:
    """The encoder ``logmel``."""
    del runtime  # one device, one precision
    return LogMel(segmentation)
