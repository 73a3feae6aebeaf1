"""Things that are made at their first use, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Once:
    """Makes each thing once, by name; safe to share among threads.

    Who wants a thing that is being made waits for it; who wants another one does not. What makes
    one may ask for others, but not for itself. What could not be made is tried again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of what follows; nothing is made while it is held
        self._kept: dict[Hashable, Any] = {}
        self._making: dict[Hashable, threading.Lock] = {}

    def of(self, name: Hashable, make: Callable[[], T]) -> T:
        """What is kept under ``name``, or else is made now."""
        with self._lock:
            if name in self._kept:
                kept: T = self._kept[name]
                return kept
            making = self._making.setdefault(name, threading.Lock())
        with making:
            with self._lock:
                if name in self._kept:  # by who had it before
                    kept = self._kept[name]
                    return kept
            made = make()
            with self._lock:
                self._kept[name] = made
                self._making.pop(name, None)
        return made
