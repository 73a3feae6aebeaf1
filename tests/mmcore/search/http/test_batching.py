"""Tests of mmcore/search/http/batching.py: what waits is answered together, each to who asked."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from urllib.parse import quote

import pytest

from mmcore.search.http.batching import Batcher, BusyError, Weight
from tests.mmcore.search.http.conftest import asking, listening


class Held:
    """Work that says when it begins and ends when it may."""

    def __init__(self):
        self.sizes, self.begun, self.go = [], Queue(), threading.Event()

    def __call__(self, some):
        """Each doubled; below zero it is an error."""
        self.sizes.append(len(some))
        self.begun.put(None)
        assert self.go.wait(10)
        return [ValueError(one) if one < 0 else one * 2 for one in some]


@pytest.fixture
def held():
    """Work that waits, one thread that does it, and at most four that wait."""
    work = Held()
    batcher = Batcher(work, most=3, waiting=4, threads=1)
    yield work, batcher
    work.go.set()
    batcher.close()


def test_what_waits_is_answered_together(held):
    """The first goes alone, the rest in batches of three; each gets its own answer."""
    work, batcher = held
    first = batcher.ask(1)
    work.begun.get(timeout=10)
    rest = [batcher.ask(n) for n in (2, 3, 4, 5)]
    work.go.set()

    assert [future.result(10) for future in (first, *rest)] == [2, 4, 6, 8, 10]
    assert work.sizes == [1, 3, 1]


def test_an_error_is_of_who_asked(held):
    """Neighbours in the batch have their answers."""
    work, batcher = held
    futures = [batcher.ask(n) for n in (1, -2, 3)]
    work.go.set()

    assert (futures[0].result(10), futures[2].result(10)) == (2, 6)
    with pytest.raises(ValueError, match="-2"):
        futures[1].result(10)


def test_a_failure_of_all_is_told_to_all():
    """Nobody waits for an answer that cannot come."""
    batcher = Batcher(lambda some: 1 / 0, threads=1)
    futures = [batcher.ask(n) for n in range(3)]

    for future in futures:
        with pytest.raises(ZeroDivisionError):
            future.result(10)
    batcher.close()


def test_too_many_are_sent_away(held):
    """The queue is bounded; what nobody waits for any more is not worked on."""
    work, batcher = held
    batcher.ask(0)
    work.begun.get(timeout=10)
    waiting = [batcher.ask(n) for n in range(1, 5)]
    with pytest.raises(BusyError):
        batcher.ask(9)
    assert batcher.waiting == 4
    waiting[0].cancel()
    work.go.set()

    assert [future.result(10) for future in waiting[1:]] == [4, 6, 8]
    assert sum(work.sizes) == 4


def test_many_clients_are_answered_as_one_is(place):
    """Sixteen threads ask a real server; every answer is what the same question gets alone."""
    texts = ["red", "blue", "绿色", "a white wall", "pink", "黑", "grey", "yellow"] * 4
    with listening(place) as (host, port):

        def told(path):
            asked = http.client.HTTPConnection(host, port, timeout=30)
            asked.request("GET", path)
            answer = asked.getresponse()
            body = answer.read().decode()
            asked.close()
            assert answer.status == 200, body
            return body

        def keys(text):
            hits = json.loads(told(f"/api/search?k=5&q={quote(text)}"))["hits"]
            return [(hit["key"], hit["score"]) for hit in hits]

        alone = {text: keys(text) for text in set(texts)}
        with ThreadPoolExecutor(16) as pool:
            together = list(pool.map(keys, texts))
        counted = told("/metrics")

    assert together == [alone[text] for text in texts]
    assert f"mmindex_batch_size_sum {len(texts) + len(alone):.1f}" in counted
    batches = float(counted.split("mmindex_batch_size_count ")[1].split("\n")[0])
    assert batches < len(texts) + len(alone)


def test_a_full_queue_is_a_problem_that_says_when_to_come_again(place, monkeypatch):
    """503 with Retry-After, not an error of the server."""
    with asking(place) as client:

        def full(one):
            raise BusyError

        monkeypatch.setattr(client.app.state.serving.searches, "ask", full)
        answer = client.get("/api/search?q=red")

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"


def test_a_batch_weighs_as_much_as_it_may():
    """Heavy ones go apart, one that is too heavy alone: how long a batch takes is bounded."""
    work = Held()
    batcher = Batcher(work, most=9, threads=1, weight=Weight(lambda one: one, 10))
    first = batcher.ask(1)
    work.begun.get(timeout=10)
    rest = [batcher.ask(n) for n in (6, 4, 5, 30, 1)]
    work.go.set()

    assert [future.result(10) for future in (first, *rest)] == [2, 12, 8, 10, 60, 2]
    assert work.sizes == [1, 2, 1, 1, 1]
    batcher.close()


def test_who_has_gone_makes_room(held):
    """A queue that is full of what nobody waits for is not full."""
    work, batcher = held
    batcher.ask(0)
    work.begun.get(timeout=10)
    for future in [batcher.ask(n) for n in range(1, 5)]:
        future.cancel()
    last = batcher.ask(9)
    work.go.set()

    assert last.result(10) == 18
    assert sum(work.sizes) == 2


def test_closing_ends_though_the_work_does_not():
    """A server that is told to end does so: what waits is given up after a while."""
    work = Held()
    batcher = Batcher(work, threads=1, most=1)
    batcher.ask(1)
    work.begun.get(timeout=10)
    waiting = batcher.ask(2)
    began = time.monotonic()
    batcher.close(within=0.1)

    assert time.monotonic() - began < 5
    assert waiting.cancelled()
    with pytest.raises(BusyError):
        batcher.ask(3)
    work.go.set()
