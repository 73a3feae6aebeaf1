"""The Prefect server of `mmindex up`: the one that is named, or a port for one of its own."""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import errno
import os
import shlex
import shutil
import socket
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

from flows.orchestration.temporary_server import OrchestratorError
from mmcore.errors import ConfigError


def configured_url() -> str | None:
    """The server that the environment or a profile names; it has to answer."""
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is not None and not answers(f"{url}/health"):
        way_out = "start it, or unset PREFECT_API_URL for one of `mmindex up`"
        raise OrchestratorError(f"the Prefect server at {url}", "does not answer", way_out)
    return url


def prefect_command() -> str:
    """How a terminal calls Prefect: by its path where the environment is not activated."""
    ours = Path(sys.executable).with_name("prefect")
    found = shutil.which("prefect")
    return "prefect" if found and Path(found) == ours else shlex.quote(str(ours))


def use_server(url: str) -> None:
    """Let Prefect's client in this process, and in those it starts, use the server."""
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()


def answers(url: str, seconds: float = 10) -> bool:
    """Whether something answers at ``url`` within some seconds."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=seconds) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's
    except (OSError, ValueError, HTTPException):  # nobody, no URL, something that is no HTTP
        return False


def free_port(port: int) -> int:
    """``port``, or a free one for 0; ConfigError where it is taken."""
    try:
        with socket.create_server(("127.0.0.1", port)) as place:
            return int(place.getsockname()[1])
    except (OSError, OverflowError) as error:
        why, url = f"port {port} cannot be used ({error})", f"http://127.0.0.1:{port}"
        if getattr(error, "errno", None) == errno.EADDRINUSE and answers(f"{url}/api/health", 3):
            why = f"a Prefect server is at {url}: use it by PREFECT_API_URL={url}/api, or"
            raise ConfigError(f"{why} take another --port") from error
        raise ConfigError(f"{why}: take another --port") from error
