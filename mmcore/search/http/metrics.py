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
        kept = {"registry": self.registry, "namespace": "mmindex"}
        self.requests = Counter(
            "http_requests", "Requests", ["route", "method", "status"], **kept
        )
        self.seconds = Histogram(
            "http_seconds", "Seconds of a request", ["route"], buckets=_SECONDS, **kept
        )
        self.steps = Histogram(
            "search_seconds", "Seconds of a step of a search", ["step"], buckets=_SECONDS, **kept
        )
        self.batches = Histogram(
            "batch_size", "Searches answered together", buckets=_SIZES, **kept
        )
        self.uploads = Histogram(
            "decode_seconds", "Seconds of decoding a file asked with", buckets=_SECONDS, **kept
        )
        self.waiting = Gauge("searches_waiting", "Searches that nobody works on yet", **kept)
        self.snapshot = Gauge("snapshot", "Number of the snapshot that serves", **kept)

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
