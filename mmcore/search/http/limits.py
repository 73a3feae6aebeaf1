"""How much one client may ask: a token bucket for each; and how large a request may be."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from mmcore.search.http.problems import ProblemError

MOST_CLIENTS: Final = 10_000  # whose buckets are kept
BODY_BYTES: Final = 1_000_000  # of a request that is no file
_SLOWEST: Final = 10_000  # bytes a second of a body, once it has had its first stalls
_STALLS: Final = 6  # that it may have before


class Buckets:
    """A bucket of requests for each client, which fills at ``rate`` a second up to ``burst``."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests, and when

    def take(self, client: str) -> float:
        """Take one request; 0.0 if there was one, else the seconds until there will be."""
        with self._lock:
            now = self._clock()
            left = self._now(client, now)
            allowed = left >= 1
            self._left.pop(client, None)  # it has asked last by now
            self._left[client] = (left - 1 if allowed else left, now)
            if len(self._left) > MOST_CLIENTS:
                self._left.popitem(last=False)
            return 0.0 if allowed else (1 - left) / self._rate

    def wait(self, client: str) -> float:
        """The same seconds, without taking one."""
        with self._lock:
            return max(0.0, 1 - self._now(client, self._clock())) / self._rate

    def _now(self, client: str, now: float) -> float:
        """The requests that a client has left."""
        left, then = self._left.get(client, (float(self._burst), now))
        return min(self._burst, left + (now - then) * self._rate)


def too_large(most: int) -> ProblemError:
    """A body of more than ``most`` bytes; the connection is not read on."""
    size = f"{most / 1e6:g} MB"
    return ProblemError(
        "too-large",
        f"more than {size}: send less",
        f"超过 {size}：请减小内容",
        {"connection": "close"},
    )


def check_length(length: str | None, most: int) -> None:
    """Raise the problem 413 where the client says that it sends too much; nothing is read."""
    if length is not None and length.isascii() and length.isdigit() and int(length) > most:
        raise too_large(most)


def bounded(receive: Receive, most: int) -> Receive:
    """``receive`` that raises HTTPException 413 once more than ``most`` bytes of a body came.

    That one: FastAPI takes any other error of reading a body for a body that cannot be read.
    """
    came = 0

    async def receiving() -> Message:
        nonlocal came
        message = await receive()
        if message["type"] == "http.request":
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413)
        return message

    return receiving


def paced(receive: Receive, stall: float) -> Receive:
    """``receive`` that raises HTTPException 408 for a body that does not come.

    That is one of which nothing comes for ``stall`` seconds, or that is slow as a whole: a byte
    now and then would hold a connection for days.
    """
    began: float | None = None
    came, ended = 0, False

    async def receiving() -> Message:
        nonlocal began, came, ended
        if ended:
            return await receive()
        now = time.monotonic()
        began = now if began is None else began
        left = began + _STALLS * stall + came / _SLOWEST - now
        try:
            async with asyncio.timeout(max(0.0, min(stall, left))):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, headers={"connection": "close"}) from error
        came += len(message.get("body", b""))
        ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return receiving
