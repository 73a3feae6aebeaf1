"""Preparer: the part of an encoder that preprocessing needs; imports no decoder."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from mmcore.types import EncoderKey


class Preparer(Protocol):
    """The part of an encoder that needs no weights: it shapes what was decoded."""

    @property
    def key(self) -> EncoderKey:
        """What the encoder is, and what it reads."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one prepared segment; None for text, which is embedded as it is."""

    @property
    def dtype(self) -> str:
        """NumPy dtype of a prepared segment."""

    @property
    def size(self) -> int:
        """Pixels a side that the encoder wants of a picture; 0 where it sees none."""

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """Shape an RGB picture, or a float32 waveform at 16 kHz, into ``shape``."""
