"""What a server counts, for Prometheus; each server has a registry of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32)
_OTHER = "other"  # a path that is no route: its names are the clients', and endless


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "mmindex_http_requests",
            "Requests",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = self._timed("mmindex_http_seconds", "Seconds of a request", "route")
        self.steps = self._timed("mmindex_search_seconds", "Seconds of a step", "step")
        self.uploads = self._timed("mmindex_decode_seconds", "Seconds of decoding a file")
        self.batches = Histogram(
            "mmindex_batch_size",
            "Searches answered together",
            buckets=_SIZES,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "mmindex_searches_waiting", "Searches that nobody works on", registry=self.registry
        )
        self.snapshot = Gauge(
            "mmindex_snapshot", "The snapshot that answers", registry=self.registry
        )

    def _timed(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(name, about, labels, buckets=_SECONDS, registry=self.registry)

    def searched(self, seconds: Mapping[str, float]) -> None:
        """Count the steps of a search."""
        for step, spent in seconds.items():
            self.steps.labels(step).observe(spent)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class Counted:
    """Counts each request by its route, and how long it took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", _OTHER)
            self._metrics.requests.labels(route, _method(scope), str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)


_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else _OTHER
