"""How long a request waits for what others make: while it has patience, and its client stays."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Request

from mmcore.search.http.problems import busy

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits until a deadline, whatever it waits for on its way."""

    request: Request
    until: float  # of the monotonic clock

    @classmethod
    def of(cls, request: Request, patience: float) -> Waiting:
        """From now on, at most ``patience`` seconds."""
        return cls(request, time.monotonic() + patience)

    async def result(self, future: Future[V]) -> V:
        """What a future comes to; a problem 503 once the time is over, or the client has gone.

        Then the future is cancelled: what nobody works on yet is dropped.
        """
        answer = asyncio.wrap_future(future)
        gone = asyncio.ensure_future(self._gone())
        try:
            left = max(0.0, self.until - time.monotonic())
            both: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise busy()
            return answer.result()
        finally:
            gone.cancel()
            answer.cancel()

    async def _gone(self) -> None:
        """Until the client has closed the connection; the body has been read by now."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


@dataclass(slots=True)
class _UnderWay(Generic[V]):
    """What is being made, and for how many."""

    future: Future[V]
    askers: int = 0


@dataclass(slots=True)
class Joined(Generic[K, V]):
    """Makes once what several ask for at the same time; safe to share among threads.

    ``make`` begins it. When nobody waits for it any more, it is cancelled.
    """

    make: Callable[[K], Future[V]]
    _under_way: dict[K, _UnderWay[V]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def ask(self, key: K) -> Future[V]:
        """What will hold the value of ``key``, for this asker alone: it may cancel it."""
        mine: Future[V] = Future()
        with self._lock:
            shared = self._under_way.get(key)
            if shared is None:
                shared = self._under_way[key] = _UnderWay(self.make(key))
            shared.askers += 1
        mine.add_done_callback(lambda one: self._left(key, shared) if one.cancelled() else None)
        shared.future.add_done_callback(lambda one: self._told(key, one, mine))
        return mine

    def _left(self, key: K, shared: _UnderWay[V]) -> None:
        with self._lock:
            shared.askers -= 1
            if not shared.askers and self._under_way.get(key) is shared:
                del self._under_way[key]
                shared.future.cancel()

    def _told(self, key: K, shared: Future[V], mine: Future[V]) -> None:
        with self._lock:
            known = self._under_way.get(key)
            if known is not None and known.future is shared:
                del self._under_way[key]
        if shared.cancelled():
            mine.cancel()
        elif mine.set_running_or_notify_cancel():
            if error := shared.exception():
                mine.set_exception(error)
            else:
                mine.set_result(shared.result())
