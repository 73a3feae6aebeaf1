"""Methods beside those that routes name: HEAD wherever there is GET, and what `Allow` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OWN: Final = "/media/"
"""Below it HEAD has routes of its own: they open a file, and read nothing of it."""


class Heads:
    """Answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        heads = scope["type"] == "http" and scope["method"] == "HEAD"
        if not heads or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            bare = message["type"] == "http.response.body"
            await send({**message, "body": b""} if bare else message)

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, sending)
        finally:
            scope["route"] = asked.get("route")  # for who counts


def allowed(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """The methods of a path, over all routes that are at it, as the header has them."""
    at = (one for one in routes if isinstance(one, Route) and one.matches(scope)[0] != Match.NONE)
    found = {method for one in at for method in one.methods or ()}
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))
