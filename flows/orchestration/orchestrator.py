"""Gives a command its Prefect server: the configured one, or a temporary one that ends with it.

Importing this module imports no Prefect.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from flows.orchestration.repeating import REPEATING
from flows.orchestration.temporary_server import (
    OrchestratorError,
    await_url,
    configured_url,
    temporary_server,
)

if TYPE_CHECKING:
    import httpx
    from prefect._internal.concurrency.services import _QueueServiceBase
    from prefect.client.orchestration import SyncPrefectClient

OPEN: Final = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED"]
ENDED: Final = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
OUR_LOGGERS: Final = ("flows", "tasks", "mmcore", "storage")
DEFAULTS: Final = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # the server's telemetry
    "DO_NOT_TRACK": "1",  # the client's
    "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(OUR_LOGGERS),
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",  # else each process's first task asks
}
ANSWER_SECONDS: Final = 20
"""How long a configured server may take to answer: on a busy machine some seconds."""
WAITING: Final = "starting a temporary Prefect server (PREFECT_API_URL names a running one)"


@contextmanager
def orchestrated(
    announce: Callable[[str], None],
    *,
    preload: Iterable[str] = (),
    needless: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """Yield the URL of the Prefect API that flows inside the block use; it answers.

    ``announce`` is told in one line what is used or waited for, before the wait, and then that it
    takes long. The modules ``preload`` names are imported while a temporary server starts, and
    ``needless`` is asked: if it says so, the server ends at once, the URL is empty, and no flow
    may run. No process is left after the block, however it ends.
    """
    set_defaults()
    with ExitStack() as stack:
        server = stack.enter_context(temporary_server()) if _may_need_one() else None
        url = configured_url()
        announce(f"using the Prefect server at {url}" if url else WAITING)
        if url:
            _require_answer(url)
        for module in preload:
            import_module(module)
        if url is None and server:
            if needless():
                server.terminate()
                yield ""
                return
            url = await_url(server, announce)
            stack.enter_context(_attached(url))
        assert url is not None
        quiet_runs()
        stack.callback(quiet_runs, quiet=False)
        stack.callback(_send_the_rest)
        yield url


def without_server(preload: Iterable[str]) -> str:
    """What `orchestrated` does for who runs no flow: no server, no record, and no URL."""
    set_defaults()
    for module in preload:
        import_module(module)
    quiet_runs()
    return ""


def set_defaults() -> None:
    """Set what a command wants of Prefect where its user did not; before Prefect is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "PREFECT_LOGGING_LEVEL" not in os.environ:  # the run's own log still gets everything
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")


def _may_need_one() -> bool:
    """Whether to start a server before Prefect's settings are known, whose import takes long."""
    if "prefect.context" in sys.modules:
        return configured_url() is None
    return not os.environ.get("PREFECT_API_URL")


def _require_answer(url: str) -> None:
    """Raise OrchestratorError within some seconds where no Prefect API answers at ``url``."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(
            httpx_settings={"timeout": httpx.Timeout(ANSWER_SECONDS, connect=5)}, sync_client=True
        ) as client,
    ):
        failure = client.api_healthcheck() or _untold_version(client, url)
    if failure is not None:
        why = f"does not answer ({next(iter(str(failure).splitlines()), type(failure).__name__)})"
        way_out = "start it, or unset PREFECT_API_URL for a temporary one"
        raise OrchestratorError(f"the Prefect server at {url}", why, way_out) from failure


def _untold_version(client: SyncPrefectClient, url: str) -> Exception | None:
    """What keeps the server from saying its release; OrchestratorError where that is no match.

    Prefect else asks in the middle of a run. To it both are a RuntimeError: the one of a server
    that does not answer has a cause.
    """
    try:
        client.raise_for_api_version_mismatch()
    except RuntimeError as error:
        if isinstance(error.__cause__, Exception):
            return error.__cause__
        way_out = "install a release of Prefect like the server's"
        raise OrchestratorError(f"the Prefect server at {url}", f"({error})", way_out) from error
    return None


@contextmanager
def _attached(url: str) -> Iterator[None]:
    """Make flows, and the processes they start, use the temporary server at ``url``."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    since = datetime.now(UTC)
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()  # for threads that start without a context
    try:
        # Heartbeats tell a lasting server of crashed runs; their thread ends each flow 1 s later.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield
        _await_records(url, since)
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


def _send_the_rest(*, at_most: float = 10) -> None:
    """Send the logs and events that Prefect holds back for the interpreter's end: now.

    What a server has not taken by then it never will, and is given up: else the interpreter's end
    tries for seconds to send each event, and for a minute the logs.
    """
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    worker = logging.getLogger("EventsWorker")
    before = worker.level
    worker.setLevel(logging.ERROR)  # it warns that it is still at what we wait for
    # where a later release keeps them elsewhere, nothing is given up: the end takes its time
    services = tuple(getattr(EventsWorker, "_instances", {}).values())
    deadline = time.monotonic() + at_most
    APILogHandler().flush()  # stops all of them, those of events too
    EventsWorker.drain_all(timeout=at_most)
    while any(map(_is_at_work, services)) and time.monotonic() < deadline:
        time.sleep(0.05)
    late = [one for one in services if _is_at_work(one)]
    for one in late:
        _give_up(one)
    if not late:
        worker.setLevel(before)


def _is_at_work(service: _QueueServiceBase[Any]) -> bool:
    over = getattr(service, "_done_event", None)
    return over is not None and not over.is_set()


def _give_up(service: _QueueServiceBase[Any]) -> None:
    """Let nobody wait for a service of Prefect's; of what it is at nothing is said any more."""
    for name in REPEATING:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with suppress(Empty, AttributeError):
        while True:
            service._queue.get_nowait()
    over, loop = service._done_event, getattr(service, "_loop", None)
    if over is not None and loop is not None and loop.is_running():
        loop.call_soon_threadsafe(over.set)


def _await_records(url: str, since: datetime, *, still: float = 0.3, at_most: float = 10) -> None:
    """Wait until the server has recorded what it was sent by flows that started after ``since``.

    That is when none of their tasks is open and the count of ended ones stands still. A server
    stopped while it records prints tracebacks, and loses the end of the run.
    """
    import httpx

    deadline = time.monotonic() + at_most
    counts, changed = None, time.monotonic()
    try:
        with httpx.Client(base_url=url, timeout=at_most) as client:
            while time.monotonic() < deadline:
                now = _open_and_ended(client, since)
                if now != counts:
                    counts, changed = now, time.monotonic()
                if now[0] == 0 and time.monotonic() > changed + still:
                    return
                time.sleep(still / 6)
    except httpx.HTTPError as error:
        logging.getLogger(__name__).warning("the temporary server went early: %r", error)


def _open_and_ended(client: httpx.Client, since: datetime) -> tuple[int, int]:
    """How many task runs of flow runs that started after ``since`` are open, how many ended."""
    flows = {"start_time": {"after_": since.isoformat()}}
    found = []
    for states in (OPEN, ENDED):
        tasks = {"state": {"type": {"any_": states}}}
        answer = client.post("/task_runs/count", json={"flow_runs": flows, "task_runs": tasks})
        found.append(int(answer.text))
    return found[0], found[1]
