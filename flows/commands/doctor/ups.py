"""The server of `mmindex up` on this machine: who has one need not name it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import psutil

from flows.commands.up.home import named_by

_SERVER: Final = ("flows.commands.up.child", "prefect", "server", "start")


def urls() -> list[str]:
    """The address of the server that `mmindex up` keeps, by its processes; none where none runs.

    Of this user, and in the folder that $PREFECT_HOME, or its default, names here: what runs in
    another folder is another matter.
    """
    return sorted(set(_found()))


def _found() -> Iterator[str]:
    me = psutil.Process(os.getpid()).username()
    for process in psutil.process_iter(["cmdline", "username"]):
        told = process.info["cmdline"] or ()
        url = url_of(told) if process.info["username"] == me else None
        if url and _is_ours(process):
            yield url


def _is_ours(process: psutil.Process) -> bool:
    """Whether its folder is the one of `mmindex up` in this environment; no, if it ended."""
    try:
        return named_by(process.environ()) == named_by(os.environ)
    except psutil.Error:
        return False


def url_of(command: Sequence[str]) -> str | None:
    """The address that a process of this command line serves; None where it is no such server."""
    if not any(tuple(command[at : at + len(_SERVER)]) == _SERVER for at in range(len(command))):
        return None
    host, port = (_after(command, option) for option in ("--host", "--port"))
    return f"http://{host}:{port}/api" if host and port else None


def _after(command: Sequence[str], option: str) -> str | None:
    rest = list(command)[list(command).index(option) + 1 :] if option in command else []
    return rest[0] if rest else None
