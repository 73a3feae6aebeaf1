"""HTTP as people's tools send it, and as those send it who mean no good."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mmcore.search.http.guard.headers import HEADERS
from mmcore.search.http.problems import TYPE, ProblemError, fields_of

HEAD: Final = 20.0
"""Seconds in which the head of a request has to be there, from when it is awaited."""

UNREAD: Final = 300.0
"""Seconds for which a client may read nothing of an answer; a paused video may be longer, and asks
for the rest by a range."""

_NO_HTTP: Final = ProblemError(
    "bad-request",
    "the request cannot be read: its head is no HTTP, or longer than 64 kB",
    "无法读取该请求：请求头不是有效的 HTTP，或超过 64 kB",
)
_RAW: Final = re.compile(rb"[\x80-\xff]")


class Spoken(H11Protocol):
    """uvicorn's HTTP, with an end to what does not go on, and an answer to what is no HTTP.

    The bytes of an address that have to be escaped, and are not, are taken as they are meant:
    ``curl 'http://…?q=红色'`` sends them as they stand; h11 refuses that line as no HTTP.

    Bodies are paced where they are read (``bodies.paced``); before a request there is nobody who
    reads, and behind it nobody who writes on: a connection without either would be open for days.
    """

    head_seconds = HEAD
    unread_seconds = UNREAD
    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: a request is awaited."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """What has come; of the first line of a request the raw bytes are escaped."""
        begins = self.conn.their_state is h11.IDLE
        if begins and b"\n" not in self.conn.trailing_data[0]:
            line, end, rest = data.partition(b"\n")
            data = escaped(line) + end + rest
        super().data_received(data)

    def handle_events(self) -> None:
        """Take what is there; once a request has begun, none is awaited."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            _ended(self._late)

    def on_response_complete(self) -> None:
        """An answer is out: the next request is awaited."""
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has gone, and with it what was awaited of it."""
        _ended(self._late, self._stuck)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads no more."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads on."""
        _ended(self._stuck)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """A problem like all others; nothing where an answer is already under way."""
        body = json.dumps(fields_of(_NO_HTTP, "en")).encode()  # no header says a language
        headers = {**HEADERS, "content-type": TYPE, "connection": "close"}
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        with suppress(h11.LocalProtocolError):
            for event in (
                h11.Response(status_code=400, headers=fields, reason=b"Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_head(self) -> None:
        _ended(self._late)
        self._late = self.loop.call_later(self.head_seconds, self.transport.close)


def _ended(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer is not None:
            timer.cancel()


def escaped(line: bytes) -> bytes:
    """A line with its bytes beyond ASCII as ``%XX``."""
    return _RAW.sub(lambda raw: b"%%%02X" % raw[0][0], line)
