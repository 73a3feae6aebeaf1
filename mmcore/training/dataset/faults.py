"""Which files of a dataset could not be decoded, known to all processes that read it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from mmcore.errors import NothingToLearnError
from mmcore.media.names import readable
from mmcore.types import Content

log = logging.getLogger(__name__)

FEW: Final = 20
"""Files of a modality that are tried before it is said that none can be read."""

_READ: Final = 1
_FAILED: Final = 2


def shared(count: int, dtype: torch.dtype) -> Tensor:
    """(count,) zeros that worker processes see, and may change, in place."""
    zeros = torch.zeros(count, dtype=dtype)
    zeros.share_memory_()  # type: ignore[no-untyped-call]
    return zeros


class Faults:
    """What became of each content of one modality; its memory is shared with worker processes.

    ``needed``: whether there is no going on without any of them; else that is logged.
    """

    def __init__(self, kind: str, contents: Sequence[Content], *, needed: bool = True) -> None:
        names = dict.fromkeys(content.content_id for content in contents)
        self._kind, self._needed, self._told = kind, needed, False
        self._places = {name: place for place, name in enumerate(names)}
        self._states = shared(len(names), torch.uint8)

    def read(self, content: Content) -> None:
        """It was decoded."""
        self._states[self._places[content.content_id]] = _READ

    def fail(self, content: Content, error: Exception) -> None:
        """It was not: logged the first time.

        Raises NothingToLearnError where that holds for all, or for the first twenty that were
        tried, and they are needed.
        """
        place = self._places[content.content_id]
        if self._states[place] != _FAILED:
            log.warning("%s: left out, %s", readable(content.path), error)
        self._states[place] = _FAILED
        if self.count >= max(2, min(FEW, len(self._states))) and _READ not in self._states:
            self._none(content, error)

    def _none(self, content: Content, error: Exception) -> None:
        said = f"none of {self.count} {self._kind} files could be read"
        if self._needed:
            raise NothingToLearnError(
                f"{said}; the last one is {readable(content.path)}: {error}"
            ) from error
        if not self._told:
            log.warning("%s; items are taken without them", said)
        self._told = True

    @property
    def count(self) -> int:
        """How many could not be decoded so far, in any process."""
        return int((self._states == _FAILED).sum())
