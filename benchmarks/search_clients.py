"""Clients of a search server, in a process of their own: one connection and one thread each.

    python -m benchmarks.search_clients URL QUERIES --clients 32 --seconds 60

QUERIES is a JSON list of texts; with ``--once`` each is asked once, in order, by one client. The
last line that is printed is the JSON of a ``Told``, and how long all took.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

K = 20
STEPS = ("plan", "encode", "search", "rank", "show", "total")


@dataclass(slots=True)
class Told:
    """What clients saw.

    Args:
        seconds: of each request that was answered, by the client's clock.
        steps: the server's own seconds of these, by step.
        snapshots: how many answers were of each.
        errors: what went wrong, and how often.
        mixed: answers with a hit that is not of the snapshot which they name.
        back: answers of an older snapshot than one that the same client had seen before.
    """

    seconds: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=dict)
    snapshots: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    back: int = 0

    def add(self, spent: float, answer: dict[str, Any]) -> None:
        """One answer."""
        self.seconds.append(spent)
        self.snapshots[answer["snapshot"]] += 1
        for step in STEPS:
            self.steps.setdefault(step, []).append(answer["seconds"].get(step, 0.0))

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "seconds": self.seconds,
            "steps": self.steps,
            "snapshots": dict(self.snapshots),
            "errors": dict(self.errors),
            "mixed": self.mixed,
            "back": self.back,
        }

    def __add__(self, other: Told) -> Told:
        steps = {step: [*self.steps.get(step, ()), *other.steps.get(step, ())] for step in STEPS}
        return Told(
            [*self.seconds, *other.seconds],
            steps,
            self.snapshots + other.snapshots,
            self.errors + other.errors,
            self.mixed + other.mixed,
            self.back + other.back,
        )


@dataclass(slots=True)
class Client:
    """One connection, kept open."""

    host: str
    port: int
    versioned: bool = False
    told: Told = field(default_factory=Told)
    newest: int = 0
    connection: http.client.HTTPConnection | None = None

    def ask(self, text: str) -> None:
        """One request; what goes wrong is counted."""
        began = time.perf_counter()
        try:
            status, body = self._got(f"/api/search?{urlencode({'q': text, 'k': K})}")
        except (OSError, http.client.HTTPException) as error:
            self.told.errors[type(error).__name__] += 1
            self.close()
            self.connection = None
            return
        spent = time.perf_counter() - began
        if status != http.client.OK:
            self.told.errors[str(status)] += 1
            return
        answer = json.loads(body)
        self.told.add(spent, answer)
        if self.versioned:
            self._check(answer)

    def close(self) -> None:
        """End the connection."""
        if self.connection is not None:
            self.connection.close()

    def _got(self, path: str) -> tuple[int, bytes]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        return reply.status, reply.read()

    def _check(self, answer: dict[str, Any]) -> None:
        number = answer["snapshot"]
        ends = f"@{number}"
        self.told.mixed += not answer["hits"] or any(
            not hit["key"].endswith(ends) for hit in answer["hits"]
        )
        self.told.back += number < self.newest
        self.newest = max(self.newest, number)


def run(
    url: str, queries: Sequence[str], clients: int, seconds: float, *, versioned: bool
) -> tuple[Told, float]:
    """All clients at once; what they saw, and how long it took until the last one was answered."""
    place = urlsplit(url)
    some = [Client(place.hostname or "", place.port or 80, versioned) for _ in range(clients)]
    numbers, until = count(), time.perf_counter() + seconds

    def work(client: Client) -> None:
        while time.perf_counter() < until:
            client.ask(queries[next(numbers) % len(queries)])
        client.close()

    threads = [threading.Thread(target=work, args=(client,)) for client in some]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    return sum((client.told for client in some), Told()), took


def once(url: str, queries: Sequence[str]) -> tuple[Told, float]:
    """One client, each query once."""
    place, began = urlsplit(url), time.perf_counter()
    client = Client(place.hostname or "", place.port or 80)
    for query in queries:
        client.ask(query)
    client.close()
    return client.told, time.perf_counter() - began


def main() -> None:
    """Ask, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("queries", type=Path)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--versioned", action="store_true", help="keys end with @SNAPSHOT")
    given = parser.parse_args()
    queries = json.loads(given.queries.read_text("utf-8"))
    if given.once:
        told, took = once(given.url, queries)
    else:
        told, took = run(
            given.url, queries, given.clients, given.seconds, versioned=given.versioned
        )
    print(json.dumps({**told.to_json(), "wall_s": took}))


if __name__ == "__main__":
    main()
