"""How large a picture is by its header, read in a process of its own."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.pool import Pool
from typing import Final

from mmcore.closing import Closing
from mmcore.errors import MediaError
from mmcore.media.images.formats import SVG
from mmcore.specs import LimitsSpec
from mmcore.types import Content

_SECONDS: Final = 30.0
"""That a header may take, the start of the process among them."""


@dataclass(slots=True)
class Sizes(Closing):
    """Asks a process, which starts with the first question and ends with the block."""

    limits: LimitsSpec
    _pool: Pool | None = field(default=None, init=False)

    def of(self, content: Content) -> tuple[int, int] | None:
        """Width and height of a picture, upright; None where no header tells them."""
        if content.media_type == SVG:
            return None
        if self._pool is None:
            self._pool = multiprocessing.get_context("spawn").Pool(1)
        try:
            return self._pool.apply_async(_size, (content, self.limits)).get(_SECONDS)
        except multiprocessing.TimeoutError:  # it hangs, or has crashed
            self.close()
            return None

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None


def _size(content: Content, limits: LimitsSpec) -> tuple[int, int] | None:
    from PIL import Image  # noqa: PLC0415 - only the process that reads needs it

    from mmcore.media.images.read import opened  # noqa: PLC0415
    from mmcore.media.images.upright import upright  # noqa: PLC0415

    with suppress(MediaError, OSError), opened(content, limits) as image:
        lying = Image.new("L", (2, 1))
        turned = upright(lying, image).size != lying.size
        return image.size[::-1] if turned else image.size
    return None
