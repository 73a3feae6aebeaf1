"""Another writer of a lake, for who has to wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from storage.layout import Layout
from storage.locks import writer_lock


@contextmanager
def written(lake: Layout) -> Iterator[threading.Event]:
    """A thread of this process writes to the lake until the event is set, or to the end."""
    begun, release = threading.Event(), threading.Event()

    def write() -> None:
        with writer_lock(lake):
            begun.set()
            release.wait(60)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert begun.wait(30)
        yield release
    finally:
        release.set()
        thread.join()
