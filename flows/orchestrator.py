"""Gives a command its Prefect server: the configured one, or a temporary one that ends with it.

Importing this module imports no Prefect. Run as a script it is the temporary server: in a session
of its own, so that Ctrl-C reaches the flow first; it ends when the pipe to its parent closes, so
that it outlives nobody; its output goes to a log file, never to the terminal.
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from storage.schemas import MmindexError

OUR_LOGGERS: Final = ("flows", "tasks", "mmcore", "storage")
DEFAULTS: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # the server's telemetry
    "DO_NOT_TRACK": "1",  # the client's
    "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(OUR_LOGGERS),
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
STARTUP_SECONDS: Final = 120
LOG_BYTES: Final = 1_000_000
WAITING: Final = (
    "starting a temporary Prefect server, 3-10 s (PREFECT_API_URL names a running one)"
)


class OrchestratorError(MmindexError):
    """No Prefect server can be used; names the one that was tried."""

    exit_code = 2

    def __init__(self, server: str, why: str, way_out: str) -> None:
        self.server, self.why, self.way_out = server, why, way_out
        super().__init__(f"{server} {why}: {way_out}")


@contextmanager
def orchestrated(announce: Callable[[str], None], *, preload: Iterable[str] = ()) -> Iterator[str]:
    """Yield the URL of the Prefect API that flows inside the block use; it answers.

    ``announce`` is told in one line what is used or waited for, before the wait. The modules
    ``preload`` names are imported while a temporary server starts. No process is left after the
    block, however it ends.
    """
    set_defaults()
    with ExitStack() as stack:
        server = stack.enter_context(_temporary_server()) if _may_need_one() else None
        url = _configured_url()
        announce(f"using the Prefect server at {url}" if url else WAITING)
        if url:
            _require_answer(url)
        for module in preload:
            import_module(module)
        if url is None and server:
            url = _await_url(server)
            stack.enter_context(_attached(url))
        assert url is not None
        quiet_runs()
        stack.callback(quiet_runs, quiet=False)
        stack.callback(_send_the_rest)
        yield url


def set_defaults() -> None:
    """Set what a command wants of Prefect where its user did not; before Prefect is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "PREFECT_LOGGING_LEVEL" not in os.environ:  # the run's own log still gets everything
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")


def _may_need_one() -> bool:
    """Whether to start a server before Prefect's settings are known, whose import takes long."""
    if "prefect.context" in sys.modules:
        return _configured_url() is None
    return not os.environ.get("PREFECT_API_URL")


def _configured_url() -> str | None:
    """The API that the environment, a settings file or the active profile names."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None and not settings.server.ephemeral.enabled:
        why = "is set, and PREFECT_SERVER_EPHEMERAL_ENABLED forbids a temporary one"
        raise OrchestratorError("no Prefect server", why, "set PREFECT_API_URL")
    return settings.api.url


def _require_answer(url: str) -> None:
    """Raise OrchestratorError within some seconds where no Prefect API answers at ``url``."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(httpx_settings={"timeout": 5}, sync_client=True) as client,
    ):
        failure = client.api_healthcheck()
    if failure is not None:
        why = f"does not answer ({next(iter(str(failure).splitlines()), type(failure).__name__)})"
        way_out = "start it, or unset PREFECT_API_URL for a temporary one"
        raise OrchestratorError(f"the Prefect server at {url}", why, way_out) from failure


def _log_path() -> Path:
    """Where the temporary server writes what it has to say."""
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home / "mmindex-server.log"


@contextmanager
def _temporary_server() -> Iterator[subprocess.Popen[str]]:
    """Start a server in the background; at the end it shuts down in order, or is made to."""
    log = _log_path()
    grown = log.exists() and log.stat().st_size > LOG_BYTES
    path = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    with log.open("w" if grown else "a") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.orchestrator"],
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


def _stop(server: subprocess.Popen[str]) -> None:
    """Close the server's standard input; ask more firmly where it does not end."""
    assert server.stdin is not None
    server.stdin.close()
    for firmer in (server.terminate, server.kill):
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=5)
            return
        firmer()


def _await_url(server: subprocess.Popen[str]) -> str:
    """Wait until the server is ready and says its URL."""
    assert server.stdout is not None
    deadline = threading.Timer(STARTUP_SECONDS, server.kill)
    deadline.start()
    try:
        url = server.stdout.readline().strip()
    finally:
        deadline.cancel()
    if not url:
        way_out = f"see {_log_path()}, or name a running one by PREFECT_API_URL"
        raise OrchestratorError("the temporary Prefect server", "did not start", way_out)
    return url


@contextmanager
def _attached(url: str) -> Iterator[None]:
    """Make flows, and the processes they start, use the temporary server at ``url``."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()  # for threads that start without a context
    try:
        # Heartbeats tell a lasting server of crashed runs; their thread ends each flow 1 s later.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield
        _await_records(url)
    finally:
        del os.environ["PREFECT_API_URL"]
        refresh_global_settings_context()


def quiet_runs(*, quiet: bool = True) -> None:
    """Keep the log lines of runs off the terminal, and let ours from INFO into the run's log.

    A failure is no less seen: the flow raises it to its caller. Who sets PREFECT_LOGGING_LEVEL
    wants to see them all.
    """
    for logger in map(logging.getLogger, OUR_LOGGERS):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
    for logger in map(logging.getLogger, ("prefect.flow_runs", "prefect.task_runs")):
        logger.propagate = not quiet or "PREFECT_LOGGING_LEVEL" in os.environ


def _send_the_rest() -> None:
    """Send the logs and events that Prefect holds back for the interpreter's end: now."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    worker = logging.getLogger("EventsWorker")
    before = worker.level
    worker.setLevel(logging.ERROR)  # it warns that it is still at what we wait for
    APILogHandler().flush()
    EventsWorker.drain_all(timeout=10)
    worker.setLevel(before)


def _await_records(url: str, *, still: float = 0.3, at_most: float = 5) -> None:
    """Wait until the server has recorded what it was sent: its count of ended tasks stands still.

    A server stopped while it records prints tracebacks, and loses the end of the run.
    """
    import httpx

    ended = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}}
    count, since = "", time.monotonic()
    deadline = since + at_most
    try:
        with httpx.Client(timeout=at_most) as client:
            while time.monotonic() < min(since + still, deadline):
                answer = client.post(f"{url}/task_runs/count", json={"task_runs": ended}).text
                if answer != count:
                    count, since = answer, time.monotonic()
                time.sleep(still / 6)
    except httpx.HTTPError as error:
        logging.getLogger(__name__).warning("the temporary server went early: %r", error)


def _serve() -> None:
    """Serve Prefect's API: say the URL on standard output, once; end when standard input does."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if _configured_url() is not None:  # the parent finds it as well, and uses that
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
