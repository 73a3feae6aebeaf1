"""Who may ask, under which name, and what a browser may do with the answers."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmcore.search.http.limits import Buckets
from mmcore.search.http.problems import ProblemError, language_of, response

COOKIE: Final = "mmindex"

PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
"""Of our own pages: no script but ours, nothing from another host."""

NO_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Of all that is no page: it may do nothing."""

REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; sandbox;"
    " frame-ancestors 'none'"
)
"""Of a report: one page with its style and pictures in it, and no script."""

_NETWORK: Final = 64  # bits of an IPv6 address that tell clients apart
_GUESSES: Final = 1.0  # wrong tokens a second of one client, beyond the first ones
_OPEN: Final = frozenset({"/healthz", "/login"})
_OPEN_BELOW: Final = "/pages/"
_PAGES: Final = frozenset({"/", "/docs"})

HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
"""Of every answer."""


class Token:
    """The token of a server; compared in constant time.

    Guesses are counted: who has guessed wrong ``guesses`` times, then once a second at most, is
    not heard for a while, whatever he brings.
    """

    def __init__(self, token: str, guesses: int = 40) -> None:
        self._digest = _digest(token)
        self._guesses = Buckets(_GUESSES, guesses)
        self.session: Final = hmac.new(token.encode(), b"mmindex session", "sha256").hexdigest()
        """What the cookie holds: who has it has no token."""

    def fits(self, said: str, client: str = "") -> bool:
        """Whether that is the token; a problem 429 for a client that has guessed too often."""
        if seconds := self._guesses.wait(client):
            raise _too_many(seconds)
        if hmac.compare_digest(_digest(said), self._digest):
            return True
        self._guesses.take(client)
        return False

    def allows(self, scope: Scope) -> bool:
        """Whether a request brings the token, or the cookie that the login form gave for it.

        A problem 429 as of ``fits``.
        """
        headers = dict(scope["headers"])
        scheme, _, said = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and self.fits(said.strip(), client_of(scope)):
            return True
        held = _cookie(headers.get(b"cookie", b"").decode("latin-1"))
        return hmac.compare_digest(_digest(held), _digest(self.session))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _cookie(header: str) -> str:
    """What our cookie holds, whatever those of other applications at this host do; "" without."""
    pairs = (one.partition("=") for one in header.split(";"))
    return next((value.strip() for name, _, value in pairs if name.strip() == COOKIE), "")


def client_of(scope: Scope) -> str:
    """Who asks, as far as it can be told: the address; of IPv6 the network of 64 bits.

    Each machine there has as many addresses as it likes.
    """
    client = scope.get("client")
    said = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(said.partition("%")[0])
    except ValueError:
        return said
    if isinstance(address, ipaddress.IPv4Address):
        return said
    if mapped := address.ipv4_mapped:
        return str(mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))


def _too_many(seconds: float) -> ProblemError:
    return ProblemError(
        "too-many-requests",
        f"too many requests: try again in {seconds:.1f} seconds",
        f"请求过多：请在 {seconds:.1f} 秒后重试",
        {"retry-after": str(max(1, round(seconds + 0.5)))},
    )


@dataclass(frozen=True, slots=True)
class Names:
    """The names under which a server is asked, and the origins of pages elsewhere that may ask."""

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(host.lower() for host in self.hosts))

    def refused(self, scope: Scope) -> ProblemError | None:
        """Why a request may not be answered; None where it may."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        return self._other_host(headers) or self._other_site(scope["method"], headers)

    def _other_host(self, headers: Mapping[bytes, str]) -> ProblemError | None:
        """A page that was told that its own name is this machine may not read from it."""
        said = headers.get(b"host", "").lower()
        if not self._known or _host_name(said) in self._known:
            return None
        return ProblemError(
            "forbidden-host",
            "this server is not asked under that name: --allow-host NAME adds one",
            "不能用该名称访问此服务器：用 --allow-host 添加",
        )

    def _other_site(self, method: str, headers: Mapping[bytes, str]) -> ProblemError | None:
        """A page elsewhere cannot read the answer, but what it sends costs work."""
        if method != "POST" or not self._from_elsewhere(headers):
            return None
        return ProblemError(
            "forbidden-origin",
            "pages of other sites may not send to this server: --cors ORIGIN allows one",
            "其他网站的页面不能向此服务器发送内容：用 --cors 允许",
        )

    def _from_elsewhere(self, headers: Mapping[bytes, str]) -> bool:
        site, origin = headers.get(b"sec-fetch-site", ""), headers.get(b"origin")
        if site in ("same-origin", "none") or origin in self.origins:
            return False
        if site == "cross-site":
            return True
        ours = headers.get(b"host", "").lower()
        return origin is not None and origin.lower().partition("://")[2] != ours


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
        return self._names.refused(scope) or self._one_too_many(scope) or self._unknown(scope)

    def _one_too_many(self, scope: Scope) -> ProblemError | None:
        counted = scope["path"].startswith("/api/") or scope["path"] == "/login"
        if self._buckets is None or not counted:
            return None
        seconds = self._buckets.take(client_of(scope))
        return _too_many(seconds) if seconds else None

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


def _host_name(said: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{said}").hostname or ""
    except ValueError:
        return ""


async def _to_login(scope: Scope, receive: Receive, send: Send) -> None:
    asked = scope["path"] + (
        f"?{scope['query_string'].decode('latin-1')}" * bool(scope["query_string"])
    )
    place = f"/login?next={quote(asked, safe='/')}".encode("ascii")
    headers = [(b"location", place), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class Headers:
    """Gives each answer the headers that keep a browser from doing more than it should."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", NO_POLICY)
                headers.setdefault("cache-control", "no-store")
                headers.setdefault("cross-origin-resource-policy", "same-origin")
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
