"""A temporary Prefect server, in a process of its own that ends with ours.

Importing this module imports no Prefect. Run as a script it is the server: in a session of its
own, so that Ctrl-C reaches the flow first; it ends when the pipe to its parent closes, so that it
outlives nobody; its output goes to a log file, never to the terminal.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from storage.schemas import MmindexError

STARTUP_SECONDS: Final = 300
STILL_SECONDS: Final = 15
"""After so many it is said that the server is still starting, and again each time."""
LOG_BYTES: Final = 1_000_000


class OrchestratorError(MmindexError):
    """No Prefect server can be used; names the one that was tried."""

    exit_code = 2

    def __init__(self, server: str, why: str, way_out: str) -> None:
        self.server, self.why, self.way_out = server, why, way_out
        super().__init__(f"{server} {why}: {way_out}")


@contextmanager
def temporary_server() -> Iterator[subprocess.Popen[str]]:
    """Start a server in the background; at the end it shuts down in order, or is made to."""
    log = _log_path()
    grown = log.exists() and log.stat().st_size > LOG_BYTES
    path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    with log.open("w" if grown else "a") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.orchestration.temporary_server"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    with server:
        try:
            yield server
        finally:
            _stop(server)


def await_url(
    server: subprocess.Popen[str], announce: Callable[[str], None] = lambda _: None
) -> str:
    """Wait until the server is ready and says its URL; ``announce`` is told that it takes long."""
    assert server.stdout is not None
    deadline = threading.Timer(STARTUP_SECONDS, server.kill)
    deadline.daemon = True  # wherever Ctrl-C falls, it keeps nobody from ending
    try:
        deadline.start()
        with _patient(announce):
            url = server.stdout.readline().strip()
    except BaseException:  # Ctrl-C: a server that is only starting has nothing to end in order
        server.terminate()
        raise
    finally:
        deadline.cancel()
    if not url:
        way_out = f"see {_log_path()}, or name a running one by PREFECT_API_URL"
        raise OrchestratorError("the temporary Prefect server", "did not start", way_out)
    return url


@contextmanager
def _patient(announce: Callable[[str], None], every: float | None = None) -> Iterator[None]:
    """While the block lasts, say now and then that the server is not there yet."""
    over, began, pause = threading.Event(), time.monotonic(), every or STILL_SECONDS

    def say() -> None:
        while not over.wait(pause):
            took = time.monotonic() - began
            announce(
                f"the temporary Prefect server is still starting, after {took:.0f} s: this machine"
                f" is busy, or its database new; it is given {STARTUP_SECONDS} s"
            )

    threading.Thread(target=say, name="still-starting", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def configured_url() -> str | None:
    """The API that the environment, a settings file or the active profile names."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None and not settings.server.ephemeral.enabled:
        why = "is set, and PREFECT_SERVER_EPHEMERAL_ENABLED forbids a temporary one"
        raise OrchestratorError("no Prefect server", why, "set PREFECT_API_URL")
    return settings.api.url


def _log_path() -> Path:
    """Where the temporary server writes what it has to say."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home / "mmindex-server.log"


def _stop(server: subprocess.Popen[str]) -> None:
    """Close the server's standard input; ask more firmly where it does not end."""
    assert server.stdin is not None
    server.stdin.close()
    for firmer in (server.terminate, server.kill):
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=5)
            return
        firmer()


def _serve() -> None:
    """Serve Prefect's API: say the URL on standard output, once; end when standard input does."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if configured_url() is not None:  # the parent finds it as well, and uses that
        return
    import uvicorn
    from prefect.server.api.server import create_app

    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(ephemeral=True, final=True)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=3)
    )

    def live_as_long_as_the_parent() -> None:
        try:
            while not server.started:
                time.sleep(0.02)
            with channel:
                channel.write("http://{}:{}/api\n".format(*listener.getsockname()))
            os.read(0, 1)
        finally:
            server.should_exit = True

    threading.Thread(target=live_as_long_as_the_parent, daemon=True).start()
    server.run(sockets=[listener])
    logging.shutdown()
    os._exit(0)  # all is closed: taking the interpreter apart would cost another second


if __name__ == "__main__":
    _serve()
