"""Tests of what a server does under load: no few requests stop it for long, and it ends."""

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.errors import ConfigError
from mmcore.search.conditions.where import Where
from mmcore.search.http.answering import passages
from mmcore.search.http.media.waves import Waves
from mmcore.search.http.routes import search as searching
from mmcore.search.http.served import Served
from mmcore.search.request import Part, SearchRequest
from mmcore.search.showing.peaks import Peaks
from tests.mmcore.search.http.conftest import asking, listening

JSON = {"content-type": "application/json"}


def together(work, many):
    """What several threads come to, in order."""
    with ThreadPoolExecutor(len(many)) as pool:
        return list(pool.map(work, many))


def test_many_long_texts_in_one_search_are_refused(client):
    """All texts of a search count together, by characters and by passages."""
    long = {"parts": [{"text": f"{n} " + "words and words " * 240} for n in range(50)]}
    many = {"parts": [{"text": f"{n} said. " + "Some more is said. " * 60} for n in range(20)]}
    answers = [client.post("/api/search", json=body) for body in (long, many)]

    assert [a.status_code for a in answers] == [400, 400]
    assert "characters together" in answers[0].json()["detail"]
    assert "passages" in answers[1].json()["detail"]


def test_a_search_weighs_what_its_texts_do():
    """A batch is filled by passages: a word is one, a long text is as many as it may have."""

    def weighed(*texts):
        return passages(SearchRequest(parts=tuple(Part(text=text) for text in texts)))

    assert (weighed("red"), weighed("red", "blue")) == (1, 2)
    assert weighed("雪" * 3000) == weighed("snow " * 9000) == 20
    assert passages(SearchRequest(parts=(Part(item=1),))) == 0


@pytest.fixture
def slow(monkeypatch):
    """Conditions that take until they may go on, and then are refused."""
    go, asked = threading.Event(), []

    def items(self, sql):
        asked.append(sql)
        assert go.wait(20)
        raise ConfigError("where: the condition took longer than 5 s: ask for less")

    monkeypatch.setattr(Where, "items", items)
    yield go, asked
    go.set()


def test_conditions_have_the_patience_of_searches(place, slow):
    """Slow ones are given up in time, more than may wait are sent away, and others are served."""
    with asking(place, patience=0.5, conditions=1) as client:

        def asks(n):
            return client.get("/api/search", params={"q": "red", "where": f"size > {n}"})

        began = time.monotonic()
        statuses = [answer.status_code for answer in together(asks, range(8))]
        took = time.monotonic() - began
        plain = client.get("/api/search?q=red").status_code
        slow[0].set()

    assert (set(statuses), plain) == ({503}, 200)
    assert took < 10
    assert len(slow[1]) <= 3


def test_a_condition_that_nobody_waits_for_is_not_run(place, slow):
    """Its client has gone: it leaves the queue."""
    with listening(place) as (host, port):
        for n in range(6):
            with socket.create_connection((host, port), timeout=10) as asked:
                path = f"/api/search?q=red&where=size%3E{n}"
                asked.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                time.sleep(0.1)
        time.sleep(0.2)
        slow[0].set()
        time.sleep(0.3)

    assert sorted(slow[1]) == ["size>0", "size>1"]


def test_a_condition_that_took_seconds_in_vain_is_not_tried_again(place, slow, monkeypatch):
    """Not for a while: the same answer comes at once."""
    monkeypatch.setattr("mmcore.search.http.served._SLOW", 0.0)
    slow[0].set()
    with asking(place) as client:
        params = {"q": "red", "where": "size > 77"}
        answers = [client.get("/api/search", params=params) for _ in range(3)]

    assert [a.status_code for a in answers] == [400, 400, 400]
    assert slow[1] == ["size > 77"]


def test_waveforms_do_not_keep_the_server_busy(place, monkeypatch):
    """They have threads of their own, and each is drawn once."""
    go, drawn = threading.Event(), []

    def peaks(self, content, stretch, points):
        drawn.append(points)
        assert go.wait(20)
        return Peaks(1.0, (0.5,))

    monkeypatch.setattr("mmcore.search.showing.peaks.Drawer.peaks", peaks)
    item = place.item("sound")
    with asking(place) as client:
        told = client.get(f"/api/items/{item}").json()
        url = next(one["waveform"] for one in told["segments"] if one["waveform"])
        with ThreadPoolExecutor(60) as pool:
            asked = [pool.submit(client.get, f"{url}?points={10 + n % 3}") for n in range(60)]
            time.sleep(0.5)
            began = time.monotonic()
            others = [client.get(path).status_code for path in ("/healthz", "/api/search?q=red")]
            took = time.monotonic() - began
            go.set()
            statuses = {one.result().status_code for one in asked}

    assert (others, statuses) == ([200, 200], {200})
    assert took < 5
    assert sorted(drawn) == [10, 11, 12]


def test_more_waveforms_than_may_wait_are_sent_away(place, monkeypatch):
    """503, as for searches."""
    go = threading.Event()
    monkeypatch.setattr(Waves, "_draw", lambda self, wave: go.wait(20) and None)
    item = place.item("sound")
    with asking(place, waveforms=1, patience=0.5) as client:
        told = client.get(f"/api/items/{item}").json()
        url = next(one["waveform"] for one in told["segments"] if one["waveform"])
        answers = together(lambda n: client.get(f"{url}?points={n}"), range(1, 9))
        go.set()

    assert {answer.status_code for answer in answers} == {503}


def test_answers_are_made_beside_the_loop_of_the_server(place, monkeypatch):
    """A table that has to be read for one answer keeps no other waiting."""
    go = threading.Event()
    made = searching.answer_of

    def slowly(found, wanted, **more):
        if wanted.k == 3:
            assert go.wait(20)
        return made(found, wanted, **more)

    monkeypatch.setattr(searching, "answer_of", slowly)
    with asking(place) as client, ThreadPoolExecutor(1) as pool:
        waits = pool.submit(client.get, "/api/search?q=red&k=3")
        time.sleep(0.2)
        began = time.monotonic()
        other = client.get("/healthz").status_code
        took = time.monotonic() - began
        go.set()

        assert (other, waits.result().status_code) == (200, 200)
        assert took < 5


def test_a_server_ends_though_a_search_does_not(place, monkeypatch):
    """What is under way has some time, and no more."""
    go, began = threading.Event(), threading.Event()

    def answers(self, requests):
        began.set()
        go.wait(30)
        return [ConfigError("too late") for _ in requests]

    monkeypatch.setattr("mmcore.search.http.serving._CLOSING", 0.3)
    monkeypatch.setattr(Served, "answers", answers)
    with listening(place, patience=0.5) as (host, port):
        asked = http.client.HTTPConnection(host, port, timeout=10)
        asked.request("GET", "/api/search?q=red")
        assert began.wait(10)
        assert asked.getresponse().status == 503
        asked.close()
    go.set()


def test_idle_uploads_do_not_keep_others_out(place, tmp_path):
    """Places are held while files are decoded, not while they are awaited."""
    from tests import media

    picture = media.png(tmp_path / "a.png").read_bytes()
    head = b"POST /api/search/media HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"
    with listening(place, uploads=1) as at:
        idle = [socket.create_connection(at, timeout=10) for _ in range(8)]
        for one in idle:
            one.sendall(head)
        time.sleep(0.2)
        asked = http.client.HTTPConnection(*at, timeout=20)
        asked.request("POST", "/api/search/media", picture)
        status = asked.getresponse().status
        asked.close()
        for one in idle:
            one.close()

    assert status == 200


@pytest.mark.parametrize("path", ["/api/search", "/login", "/api/search/media"])
def test_no_body_is_waited_for_that_does_not_come(place, path):
    """JSON and forms as well as files; one that drips is slow as a whole."""
    with listening(place, stall=0.3) as (host, port):
        asked = http.client.HTTPConnection(host, port, timeout=10)
        asked.putrequest("POST", path)
        asked.putheader("Content-Type", "application/json")
        asked.putheader("Content-Length", "1000")
        asked.endheaders(b"{")
        answer = asked.getresponse()

        assert (answer.status, json.loads(answer.read())["code"]) == (408, "too-slow")
        asked.close()


def test_a_body_that_drips_is_given_up(place):
    """A byte now and then does not hold a place for days."""
    sent = 0
    with listening(place, stall=0.2) as at, socket.create_connection(at, timeout=10) as asked:
        asked.sendall(b"POST /api/search/media HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n")
        asked.setblocking(False)
        answer = b""
        while not answer and sent < 90:
            asked.sendall(b"x")
            sent += 1
            time.sleep(0.1)
            try:
                answer = asked.recv(4096)
            except BlockingIOError:
                continue

    assert answer.startswith(b"HTTP/1.1 408")
    assert sent < 60


def test_more_files_on_their_way_than_may_be_are_sent_away(place):
    """Their number is bounded too: each has a file on the disk."""
    head = b"POST /api/search/media HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with listening(place, bodies=1, stall=2) as at, socket.create_connection(at, 10) as first:
        first.sendall(head)
        time.sleep(0.2)
        with socket.create_connection(at, timeout=10) as second:
            second.sendall(head)
            answer = second.recv(4096)

    assert answer.startswith(b"HTTP/1.1 503")
