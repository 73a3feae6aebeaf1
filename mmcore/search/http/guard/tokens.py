"""Who may ask: the token of a server, and the cookie that stands for it in a browser."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from starlette.types import Scope

from mmcore.search.http.guard.rates import Buckets, client_of, too_many

COOKIE: Final = "mmindex"

_GUESSES: Final = 1.0  # wrong tokens a second of one client, beyond the first ones


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
            raise too_many(seconds)
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
