"""What `mmindex serve` does: check who may ask, listen, serve until it is ended."""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from flows.config.index import IndexConfig
from flows.terminal.chinese import speaking
from flows.terminal.overrides import valid
from flows.terminal.printing import ERR
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from mmcore.search.notes import Note

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mmcore.search.http.served import Served

_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_BACKLOG: Final = 256


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens, and how it tells of itself."""

    host: str
    port: int
    names: tuple[str, ...] = ()  # further ones under which it is asked
    token_file: Path | None = None
    roots: tuple[str, ...] = ()
    behind_proxy: bool = False
    as_json: bool = False
    language: Language = "en"

    @property
    def here_only(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which it may be asked; none: any, for it is reached from elsewhere."""
        if self.here_only:
            return (*_LOCAL, self.host, *self.names)
        return (*_LOCAL, self.host, *self.names) if self.names else ()


def run_serve(settings: Mapping[str, Any], listening: Listening) -> None:
    """`mmindex serve`: until SIGINT or SIGTERM; ConfigError before it listens."""
    with speaking(listening.language):
        _run(settings, listening)


def _run(settings: Mapping[str, Any], listening: Listening) -> None:
    from mmcore.search.http.app import app  # noqa: PLC0415 - a command loads what it needs
    from mmcore.search.http.settings import Settings  # noqa: PLC0415

    token = _token(listening)
    told = {
        **settings,
        "token": token,
        "hosts": listening.hosts,
        "roots": _roots(listening.roots, str(settings["lake"])),
    }
    made = app(valid(Settings, told), why=_why)
    _check_roots(made.state.serving.served())
    with _listening(listening) as place:
        _announce(listening, place, made.state.serving.served().number)
        with suppress(KeyboardInterrupt):  # uvicorn has ended what was under way
            _serve(made, place, behind_proxy=listening.behind_proxy)


def _why(text: str, language: Language) -> str:
    """Why a snapshot was not measured, in a language; its manifest has it in English."""
    from mmcore.evaluation.reporting.words import why  # noqa: PLC0415

    return why(text).zh if language == "zh" else text


def _serve(made: FastAPI, place: socket.socket, *, behind_proxy: bool) -> None:
    import uvicorn  # noqa: PLC0415

    from mmcore.search.http.guard.spoken import Spoken  # noqa: PLC0415

    config = uvicorn.Config(
        made,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=behind_proxy,
        ws="none",
        http=Spoken,
        lifespan="on",
        timeout_graceful_shutdown=10,
    )
    # uvicorn ends well at it, and then gives it to who had it before
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvicorn.Server(config).run(sockets=[place])


def _token(listening: Listening) -> str | None:
    """What the token's file holds; ConfigError where there has to be one, or it is empty."""
    file = listening.token_file
    if file is None:
        if listening.here_only:
            return None
        raise ConfigError(Note("token-needed", host=listening.host))
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Note("token-unread", path=str(file), why=str(error))) from error
    if not token:
        raise ConfigError(Note("token-empty", path=str(file)))
    return token


def _roots(roots: tuple[str, ...], lake: str) -> dict[str, str]:
    """Alias → folder of roots that are named as `mmindex index` names them."""
    if not roots:
        return {}
    for root in roots:
        if "=" not in root:
            raise ConfigError(f"--root {root}: say which root lies there, as --root ALIAS={root}")
    sources = valid(IndexConfig, {"media": roots, "lake": lake}).sources()
    told = {source.alias: source.url for source in sources}
    for alias, url in told.items():
        if not Path(url).is_dir():
            raise ConfigError(f"--root {alias}={url}: there is no such folder")
    return told


def _check_roots(served: Served) -> None:
    """ConfigError for a root that the lake does not have: nothing would be served from it."""
    unknown = served.roots.unknown()
    if unknown:
        known = (*served.roots.known(),) or Note("none")
        raise ConfigError(Note("no-root", root=unknown[0], known=known))


def _listening(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        place = socket.create_server(
            (listening.host, listening.port), family=family, backlog=_BACKLOG
        )
    except (OSError, OverflowError) as error:
        where = f"{listening.host}:{listening.port}"
        raise ConfigError(Note("port-taken", where=where, why=str(error))) from error
    # asyncio does so only where a socket names its protocol; else a body waits 40 ms for an ACK
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place


def _announce(listening: Listening, place: socket.socket, snapshot: int) -> None:
    name = f"[{listening.host}]" if ":" in listening.host else listening.host
    url = f"http://{name}:{place.getsockname()[1]}/"
    if listening.as_json:
        typer.echo(json.dumps({"url": url, "snapshot": snapshot}))  # a line, for who waits for it
        sys.stdout.flush()
    else:
        line = Note("serves", number=snapshot, url=url)
        ERR.print(line.said(listening.language), highlight=False, soft_wrap=True)
