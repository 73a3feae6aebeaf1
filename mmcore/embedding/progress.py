"""How far a shard is in its model, for who waits for it in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from mmcore.processes import interruption
from mmcore.types import Shard

Listener = Callable[[Shard, float], None]
"""Told the share of a shard's segments that went through the model, by whatever thread."""

_LISTENS: Final[ContextVar[Listener | None]] = ContextVar("progress", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Within this block, and in tasks that are submitted in it, ``listener`` is told.

    Of what workers of other machines embed it is told nothing.
    """
    token = _LISTENS.set(listener)
    try:
        yield
    finally:
        _LISTENS.reset(token)


def teller(shard: Shard, count: int) -> Callable[[int], None]:
    """What tells that so many of the ``count`` segments of ``shard`` are done.

    Between two batches it ends what was interrupted (``interruption.check``).
    """
    listener = _LISTENS.get()

    def tell(rows: int) -> None:
        interruption.check()
        if listener is not None and count:
            listener(shard, min(1.0, rows / count))

    return tell
