"""Pictures and sounds as arrays of one size; what was decoded is kept while there is room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.media.images.fit import square
from mmcore.media.images.load import load_image
from mmcore.media.pieces import Damage
from mmcore.media.sounds.blocks import blocks
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.specs import LimitsSpec
from mmcore.training.dataset.reading import local
from mmcore.types import Content

HEARD: Final = 30.0
"""Seconds at the start of a sound of which an epoch sees a part; a longer one is not read on."""


class Kept:
    """Arrays by name, as many as have room in ``most`` bytes; any other is made again."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._arrays: dict[str, NDArray[Any]] = {}

    def get(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of that name; who gets it must not change it."""
        found = self._arrays.get(name)
        if found is None:
            found = make()
            if found.nbytes <= self._left:
                self._left -= found.nbytes
                self._arrays[name] = found
        return found


class Decoder:
    """Decodes contents of one dataset in one process."""

    def __init__(self, side: int, seconds: float, keep_bytes: int) -> None:
        self._side, self._samples = side, max(1, round(seconds * RATE))
        self._most = max(self._samples, round(HEARD * RATE))
        self._limits, self._kept = LimitsSpec(), Kept(keep_bytes)

    @property
    def samples(self) -> int:
        """Samples of an example's sound."""
        return self._samples

    def picture(self, content: Content) -> NDArray[np.float32]:
        """(3, side, side) in 0 to 1: upright RGB, padded with white.

        Raises MediaError, MissingExtraError (a drawing, without the extra ``svg``), OSError.
        """
        pixels = self._kept.get(content.content_id, lambda: self._pixels(content))
        return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)

    def sound(self, content: Content, place: float) -> tuple[Waveform, int]:
        """(samples,) mono at 16 kHz, with zeros at its end, and how many are no padding.

        ``place``, 0 to 1, says which part of a longer sound: 0 is its start. Raises MediaError,
        OSError.
        """
        heard = self._kept.get(content.content_id, lambda: self._heard(content))
        spare = max(0, len(heard) - self._samples)
        start = min(spare, int(place * (spare + 1)))
        part = heard[start : start + self._samples]
        padded = np.zeros(self._samples, dtype=np.float32)
        padded[: len(part)] = part
        return padded, len(part)

    def _pixels(self, content: Content) -> NDArray[np.uint8]:
        with local(content) as here:
            return square(load_image(here, self._limits, target=self._side), self._side)

    def _heard(self, content: Content) -> Waveform:
        """The sound up to ``HEARD``; places that cannot be used are left out."""
        parts: list[Waveform] = []
        length = 0
        with local(content) as here:
            for found in blocks(here, self._limits):
                if isinstance(found, Damage):
                    continue
                parts.append(found.samples)
                length += len(found.samples)
                if length >= self._most:
                    break
        return np.concatenate([*parts, np.zeros(0, dtype=np.float32)])[: self._most]
