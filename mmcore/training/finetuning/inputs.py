"""Pictures and sounds as the preset's own encoder prepares them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.towers.arrays import ArrayEncoder
from mmcore.errors import MediaError
from mmcore.media.names import readable
from mmcore.media.pieces import Piece
from mmcore.media.segments import cut
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.training.dataset.decode import Kept
from mmcore.training.dataset.reading import local
from mmcore.types import Content

log = logging.getLogger(__name__)


class Inputs:
    """Contents → prepared arrays, decoded as a run decodes them; kept while there is room."""

    def __init__(self, encoder: ArrayEncoder, pieces: int, keep_bytes: int) -> None:
        self._encoder, self._pieces = encoder, pieces
        self._kept = Kept(keep_bytes)
        self._limits, self._segmentation = LimitsSpec(), SegmentationSpec()

    def of(self, content: Content) -> NDArray[Any]:
        """(p, *shape) of its first pieces: pages of a picture, windows of a sound.

        Raises MediaError, OSError.
        """
        return self._kept.get(content.content_id, lambda: self._prepared(content))

    def all_of(self, contents: Sequence[Content]) -> list[NDArray[Any]]:
        """``of`` each, several at once."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.of, contents))

    def readable(self, contents: Iterable[Content]) -> frozenset[str]:
        """Content ids of those that can be prepared; what cannot is told in the log."""
        every = {content.content_id: content for content in contents}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(self._is_readable, every.values())
            return frozenset(name for name, sound in zip(every, found, strict=True) if sound)

    def _is_readable(self, content: Content) -> bool:
        try:
            return len(self.of(content)) > 0
        except (MediaError, OSError) as error:
            log.warning("%s: left out, %s", readable(content.path), error)
            return False

    def _prepared(self, content: Content) -> NDArray[Any]:
        with local(content) as here:
            found = cut(here, self._encoder, self._segmentation, self._limits)
            pieces = (one for one in found if isinstance(one, Piece))
            arrays = [self._encoder.prepare(one.decoded) for one in islice(pieces, self._pieces)]
        shape, dtype = self._encoder.shape, self._encoder.dtype
        return np.stack(arrays) if arrays else np.zeros((0, *shape), dtype=dtype)
