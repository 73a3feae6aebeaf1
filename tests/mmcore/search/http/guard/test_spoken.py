"""Tests of http/guard/spoken.py: connections that do not go on, and what is no HTTP."""

import json
import socket
import time

import pytest

from mmcore.search.http.guard.spoken import Spoken
from tests.mmcore.search.http.conftest import listening


def is_closed(asked, more):
    """Whether the server ends a connection on which something is sent now and then."""
    try:
        for _ in range(400):
            asked.sendall(more)
            time.sleep(0.05)
    except OSError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_a_head_that_does_not_come_is_not_awaited_for_ever(place, monkeypatch, sent):
    """A connection without a whole request is closed; one that was answered may ask again."""
    monkeypatch.setattr(Spoken, "head_seconds", 0.3)
    with listening(place) as at, socket.create_connection(at, timeout=20) as asked:
        asked.sendall(sent)

        assert asked.recv(100) == b""


def test_a_body_that_nobody_reads_does_not_hold_a_connection(place, monkeypatch):
    """A refusal is told before the body is there: dribbling the rest keeps nothing open."""
    monkeypatch.setattr(Spoken, "head_seconds", 0.3)
    head = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with listening(place) as at, socket.create_connection(at, timeout=20) as asked:
        asked.sendall(head)
        told = asked.recv(100)
        assert is_closed(asked, b"x")

    assert told.startswith(b"HTTP/1.1 404")


def test_who_reads_nothing_of_an_answer_is_let_go(place, monkeypatch):
    """An answer that its client does not read is given up."""
    monkeypatch.setattr(Spoken, "unread_seconds", 0.3)
    asks = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with listening(place) as at, socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked.settimeout(20)
        asked.connect(at)
        assert is_closed(asked, asks * 10)


@pytest.mark.parametrize(
    "sent",
    [
        b"this is no HTTP\r\n\r\n",
        b"GET /?" + b"a" * 80_000 + b" HTTP/1.1\r\nHost: localhost",
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_a_problem_too(place, sent):
    """As all other answers it is a problem, and may do nothing in a browser."""
    with listening(place) as at, socket.create_connection(at, timeout=20) as asked:
        asked.sendall(sent)
        with asked.makefile("rb") as read:
            head, _, body = read.read().partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert json.loads(body)["code"] == "bad-request"
