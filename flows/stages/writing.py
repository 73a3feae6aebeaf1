"""How a flow becomes the one writer of a lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storage.layout import Layout
from storage.locks import writer_lock
from storage.publication import finish
from tasks.erasure.erase import Ended, end_erasure


@contextmanager
def as_writer(lake: Layout, wait: float) -> Iterator[Ended | None]:
    """Within, the lake is ours: LakeLockedError where another one has it for longer than ``wait``.

    What a writer that was killed had begun is ended first. Yields what became of an erasure that
    waited for its end.
    """
    with writer_lock(lake, wait):
        finish(lake)
        yield end_erasure(lake)
