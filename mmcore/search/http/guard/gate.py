"""Whom a server lets through."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from mmcore.search.http.guard.names import Names
from mmcore.search.http.guard.rates import Buckets, client_of, too_many
from mmcore.search.http.guard.tokens import Token
from mmcore.search.http.problems import ProblemError, language_of, response

_OPEN: Final = frozenset({"/healthz", "/login"})
_OPEN_BELOW: Final = "/pages/"
_PAGES: Final = frozenset({"/", "/docs"})


class Gate:
    """Lets a request through that has the right name, is not one too many, and may ask.

    In this order, so that a token cannot be guessed faster than the rate. A refusal is a problem,
    of a page a redirection to the login form.
    """

    def __init__(
        self, app: ASGIApp, token: Token | None, names: Names, buckets: Buckets | None
    ) -> None:
        self._app, self._token, self._names, self._buckets = app, token, names, buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send)
        elif refused.code == "unauthorized" and scope["path"] in _PAGES:
            await _to_login(scope, receive, send)
        else:
            await response(refused, language_of(scope))(scope, receive, send)

    def _refused(self, scope: Scope) -> ProblemError | None:
        return self._names.refused(scope) or self._onetoo_many(scope) or self._unknown(scope)

    def _onetoo_many(self, scope: Scope) -> ProblemError | None:
        counted = scope["path"].startswith("/api/") or scope["path"] == "/login"
        if self._buckets is None or not counted:
            return None
        seconds = self._buckets.take(client_of(scope))
        return too_many(seconds) if seconds else None

    def _unknown(self, scope: Scope) -> ProblemError | None:
        path = scope["path"]
        if self._token is None or path in _OPEN or path.startswith(_OPEN_BELOW):
            return None
        try:
            if self._token.allows(scope):
                return None
        except ProblemError as problem:
            return problem
        return ProblemError(
            "unauthorized",
            "say who asks: Authorization: Bearer TOKEN, or log in at /login",
            "请提供令牌：Authorization: Bearer TOKEN，或在 /login 登录",
            {"www-authenticate": "Bearer"},
        )


async def _to_login(scope: Scope, receive: Receive, send: Send) -> None:
    asked = scope["path"] + (
        f"?{scope['query_string'].decode('latin-1')}" * bool(scope["query_string"])
    )
    place = f"/login?next={quote(asked, safe='/')}".encode("ascii")
    headers = [(b"location", place), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
