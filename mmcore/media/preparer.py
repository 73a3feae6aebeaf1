"""Preparer: the part of an encoder that preprocessing needs; imports no decoder."""

from __future__ import annotations

from typing import Any, Final, Protocol, runtime_checkable

from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.types import EncoderKey

RATE: Final = 16_000
"""Samples a second of sounds, where nothing else is asked for."""

RATES: Final = (1000, 768_000)
"""Between them a rate is one that sounds have."""


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
        """Shape an RGB picture, or a mono float32 waveform, into ``shape``.

        The waveform is at 16 kHz, or at the ``rate`` of one that :class:`WantsRate`.
        """


@runtime_checkable
class WantsRate(Protocol):
    """A preparer of sounds that wants them at another rate than 16 kHz."""

    @property
    def rate(self) -> int:
        """Samples a second of the sounds that ``prepare`` gets; the fingerprint covers it."""


def rate_of(preparer: Preparer) -> int:
    """Samples a second of the sounds that ``preparer`` wants; ConfigError for no sound's rate."""
    if not isinstance(preparer, WantsRate):
        return RATE
    rate = preparer.rate
    if not isinstance(rate, int) or not RATES[0] <= rate <= RATES[1]:
        raise ConfigError(
            f"the encoder {preparer.key.name!r} wants sounds at {rate!r} samples a second:"
            f" its rate has to be a whole number from {RATES[0]:,} to {RATES[1]:,}"
        )
    return rate
