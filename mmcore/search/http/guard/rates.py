"""How often one client may ask: a token bucket for each."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import Scope

from mmcore.search.http.problems import ProblemError

MOST_CLIENTS: Final = 10_000  # whose buckets are kept
_NETWORK: Final = 64  # bits of an IPv6 address that tell clients apart


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


def client_of(scope: Scope) -> str:
    """Who asks, as far as it can be told: the address; of IPv6 the network of 64 bits.

    Each machine there has as many addresses as it likes.
    """
    client = scope.get("client")
    said = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(said.partition("%")[0])
    except ValueError:
        return said
    if isinstance(address, ipaddress.IPv4Address):
        return said
    if mapped := address.ipv4_mapped:
        return str(mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))


def too_many(seconds: float) -> ProblemError:
    """More requests than may be, until some seconds from now."""
    return ProblemError(
        "too-many-requests",
        f"too many requests: try again in {seconds:.1f} seconds",
        f"请求过多：请在 {seconds:.1f} 秒后重试",
        {"retry-after": str(max(1, round(seconds + 0.5)))},
    )
