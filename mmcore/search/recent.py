"""The last results of something, by what they were asked for."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``most`` results, those used last; safe to share among threads.

    Together they have at most ``most_bytes``, where ``size`` says how many one has. Unlike
    ``lru_cache`` of a method it does not hold the object that makes them: what was erased would
    stay in memory until cycles are collected.
    """

    def __init__(
        self, most: int, most_bytes: float = math.inf, size: Callable[[V], int] = lambda _: 0
    ) -> None:
        self._most, self._most_bytes, self._size = most, most_bytes, size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, key: K, make: Callable[[K], V]) -> V:
        """What was kept for ``key``, or what ``make`` makes of it; threads may both make it."""
        found = self.found([key])
        if found:
            return found[key]
        made = make(key)
        self.keep({key: made})
        return made

    def found(self, keys: Iterable[K]) -> dict[K, V]:
        """What is kept, of what some keys ask for."""
        with self._lock:
            there = [key for key in keys if key in self._kept]
            for key in there:
                self._kept.move_to_end(key)
            return {key: self._kept[key] for key in there}

    def keep(self, made: Mapping[K, V]) -> None:
        """Keep some results, and forget the oldest where there are too many."""
        with self._lock:
            for key, value in made.items():
                if key in self._kept:
                    self._bytes -= self._size(self._kept.pop(key))
                self._kept[key] = value
                self._bytes += self._size(value)
            while len(self._kept) > self._most or self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= self._size(oldest)
