"""Under which names a server is asked, and which pages elsewhere may ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import Scope

from mmcore.search.http.problems import ProblemError


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


def _host_name(said: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{said}").hostname or ""
    except ValueError:
        return ""
