"""Servers of `mmindex up` on this machine: a user who has one need not name it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import psutil

_SERVER: Final = ("flows.commands.up.child", "prefect", "server", "start")


def urls() -> list[str]:
    """The addresses of the servers that `mmindex up` of this user keeps, by their processes."""
    return sorted(set(_found()))


def _found() -> Iterator[str]:
    me = psutil.Process(os.getpid()).username()
    for process in psutil.process_iter(["cmdline", "username"]):
        told = process.info["cmdline"] or ()
        url = url_of(told) if process.info["username"] == me else None
        if url:
            yield url


def url_of(command: Sequence[str]) -> str | None:
    """The address that a process of this command line serves; None where it is no such server."""
    if not any(tuple(command[at : at + len(_SERVER)]) == _SERVER for at in range(len(command))):
        return None
    host, port = (_after(command, option) for option in ("--host", "--port"))
    return f"http://{host}:{port}/api" if host and port else None


def _after(command: Sequence[str], option: str) -> str | None:
    rest = list(command)[list(command).index(option) + 1 :] if option in command else []
    return rest[0] if rest else None
