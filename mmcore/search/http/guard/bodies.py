"""How large the body of a request may be, and how slow."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmcore.search.http.problems import ProblemError

UPLOADS: Final = "/api/search/media"
"""The one path whose body may be a file."""

BODY_BYTES: Final = 1_000_000  # of a request that is no file
_SLOWEST: Final = 10_000  # bytes a second of a body, once it has had its first stalls
_STALLS: Final = 6  # that it may have before


class Bounded:
    """Refuses a body that is too long for what is asked, or that does not come.

    A file's length has a limit of its own.
    """

    def __init__(self, app: ASGIApp, stall: float) -> None:
        self._app, self._stall = app, stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            receive = paced(receive, self._stall)
        if scope["type"] == "http" and scope["path"] != UPLOADS:
            length = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
            check_length(length, BODY_BYTES)
            receive = bounded(receive, BODY_BYTES)
        await self._app(scope, receive, send)


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
