"""What `mmindex up` does: start a server and a worker, deploy, keep both running until the end."""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tzlocal

from flows.commands.up import deployments, upkeep
from flows.commands.up.attended import Attended, runs_at_work
from flows.commands.up.checks import check_schedules
from flows.commands.up.children import Child, environment_of
from flows.commands.up.home import home_of, note_of, only_one
from flows.commands.up.server import (
    answers,
    configured_url,
    free_port,
    prefect_command,
    use_server,
)
from flows.commands.up.words import SAID
from flows.orchestration.orchestrator import set_defaults
from flows.orchestration.temporary_server import OrchestratorError
from flows.terminal.ending import told_to_end
from flows.terminal.printing import ERR
from mmcore.media.reasons import Language

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

STARTUP_SECONDS: Final = 180
STEP: Final = 0.5  # seconds in which an ended process is noticed

SERVER: Final = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # else runs stay for ever
    # on disk: the slots that a killed server had given away are taken back after its next start
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
        "prefect.server.concurrency.lease_storage.filesystem"
    ),
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
RUNS: Final = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # deploy/automations.yaml counts on it
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    "PREFECT_LOGGING_ROOT_LEVEL": "INFO",  # of our loggers, which tell a run's log of its stages
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user said."""

    media: tuple[str, ...] = ()
    lake: str | None = None
    file: Path | None = None
    timezone: str | None = None
    port: int = 4200
    language: Language = "en"
    as_json: bool = False


def run_up(wanted: Wanted) -> None:
    """`mmindex up`: until SIGINT or SIGTERM; ConfigError or OrchestratorError before it is up."""
    told = deployments.read(wanted.file or deployments.shipped("prefect.yaml"))
    zone = wanted.timezone or (None if wanted.file else tzlocal.get_localzone_name())
    told = deployments.fitted(told, deployments.Own(wanted.media, wanted.lake, zone))
    say(wanted.language, "begun")
    set_defaults()
    home = home_of()
    check_schedules(told)
    with told_to_end() as ending, only_one(home):
        Up(wanted, told, home, ending).until_the_end()


class Up:
    """A server, if none is named, a worker, and the deployments between them."""

    def __init__(
        self, wanted: Wanted, told: Mapping[str, Any], home: Path, ending: threading.Event
    ) -> None:
        self.wanted, self.told, self.home, self.ending = wanted, told, home, ending
        self.pool = deployments.pool_of(told)
        self.children: list[Child] = []
        self.server: Child | None = None
        self.worker: Child | None = None
        self.attended = Attended(self.pool)

    def until_the_end(self) -> None:
        """Start all, keep it running, and end it in order: the worker first."""
        try:
            url = self.server_at()
            if self.ending.is_set():
                return
            note_of(self.home).write_text(url.removesuffix("/api"), "utf-8")
            deployed = self.prepared(url)
            if deployed is None:
                return
            self.announce(url, deployed)
            while not self.ending.wait(STEP):
                self.look_after()
            self.say("interrupting" if self.at_work() else "ending")
        finally:
            self.stop()
        self.say("ended")

    def server_at(self) -> str:
        """The API of the server that is named, or of one of our own that answers now."""
        if url := configured_url():
            self.say("using", url=url)
            return url
        url = self.start_server()
        if not self.ending.is_set():
            self.say("answers", url=url.removesuffix("/api"))
        return url

    def start_server(self) -> str:
        """Start a server of our own, and wait until it answers."""
        port = free_port(self.wanted.port)
        self.say("starting", log=self.home / "server.log")
        start = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        url = f"http://127.0.0.1:{port}/api"
        settings = environment_of(**SERVER, PREFECT_SERVER_UI_API_URL=url)
        self.server = Child("server", start, self.home / "server.log", settings)
        self.children.append(self.server)
        self.server.start()
        self.await_answer(f"{url}/health", self.server)
        return url

    def await_answer(self, url: str, server: Child) -> None:
        """Wait until the server answers; OrchestratorError where it ends, or takes too long."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not (self.ending.wait(STEP) or answers(url)):
            if server.ended() is not None or time.monotonic() > deadline:
                why = f"did not start ({server.last_words(1)})"
                raise OrchestratorError("the Prefect server", why, f"see {server.log}")

    def prepared(self, url: str) -> list[upkeep.Deployed] | None:
        """The deployments, once all is made; None where it was told to end meanwhile."""
        import httpx

        try:
            return self.prepare(url)
        except OrchestratorError:
            if self.ending.is_set():  # Ctrl-C reaches Prefect's command too
                return None
            raise
        except httpx.HTTPError as error:
            why = f"did not do what it was asked ({' '.join(str(error).split())[:300]})"
            see = f"see {self.server.log}" if self.server else "see its log"
            raise OrchestratorError(f"the Prefect server at {url}", why, see) from error

    def prepare(self, url: str) -> list[upkeep.Deployed]:
        """Make all that a run needs on the server, then let the worker in."""
        self.say("deploying", count=len(self.told["deployments"]))
        use_server(url)
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            upkeep.make_pool(client, self.pool)
            upkeep.make_limit(client)
            upkeep.make_automations(client, deployments.shipped("deploy/automations.yaml"))
            if self.server:
                self.tell_of("dead", upkeep.end_dead_runs(client, self.pool))
                self.tell_of("late", upkeep.leave_late_runs(client, self.pool))
            deployments.deploy(self.told, self.home / "deployed.yaml", environment_of(**RUNS))
            deployed = upkeep.deployed(client, self.pool)
        start = ("prefect", "worker", "start", "--pool", self.pool, "--type", "process")
        name = f"mmindex on {socket.gethostname()}"
        log = self.home / "worker.log"
        self.worker = Child("worker", (*start, "--name", name), log, environment_of(**RUNS))
        self.children.append(self.worker)
        self.worker.start()
        return deployed

    def look_after(self) -> None:
        """Say which processes ended, start them again after a pause; mark runs without one."""
        for child in self.children:
            code = child.ended()
            if code is not None:
                self.say("broke", name=child.name, code=code, log=child.log)
            elif child.due:
                if child is self.worker:
                    self.marked("dead", self.end_dead_runs)
                child.start()
                self.say("again", name=child.name)
        if self.attended.due:
            self.marked("lost", self.attended.look)

    def stop(self) -> None:
        """End the worker, mark what it was at, end the server; the next start goes on."""
        for child in reversed(self.children):
            child.stop()
            if child is self.worker and not self.marked("dead", self.end_dead_runs):
                self.say("unmarked")

    def at_work(self) -> bool:
        """Whether the worker is at a run."""
        worker = self.worker.pid if self.worker else None
        return worker is not None and bool(runs_at_work(worker))

    def end_dead_runs(self, client: SyncPrefectClient) -> list[str]:
        """Mark what a worker that has ended was at."""
        return upkeep.end_dead_runs(client, self.pool)

    def marked(self, key: str, mark: Callable[[SyncPrefectClient], list[str]]) -> bool:
        """Let runs be marked on a server of ours, and say which; False where it does not answer.

        On a server of others, where other workers may be at them, the automations do.
        """
        if self.server is None:
            return True
        import httpx
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

        try:
            with (
                temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
                get_client(httpx_settings={"timeout": 10}, sync_client=True) as client,
            ):
                self.tell_of(key, mark(client))
        except httpx.HTTPError:
            return False
        return True

    def announce(self, url: str, deployed: list[upkeep.Deployed]) -> None:
        """Say where it is, what runs when, and how to start a run now."""
        for place in deployments.absent(self.told):
            self.say("absent", place=place)
        if self.wanted.as_json:
            told = {"url": url.removesuffix("/api"), "api": url, "home": str(self.home)}
            line = json.dumps(told | {"deployments": [one.told() for one in deployed]})
            sys.stdout.write(line + "\n")  # a line, for who waits for it
            sys.stdout.flush()
            return
        self.say("up", url=url.removesuffix("/api"))
        width = max((len(one.name) for one in deployed), default=0)
        for one in deployed:
            self.say("deployed", name=one.name.ljust(width), when=one.when)
        self.say("now", url=url, name=self.first(deployed), prefect=prefect_command())

    def first(self, deployed: list[upkeep.Deployed]) -> str:
        """The deployment that stands first in the file."""
        name = self.told["deployments"][0]["name"]
        return next(one.name for one in deployed if one.name.rpartition("/")[2] == name)

    def tell_of(self, key: str, runs: list[str]) -> None:
        """Say which runs were marked, if any."""
        if runs:
            self.say(key, runs=", ".join(runs))

    def say(self, key: str, **facts: Any) -> None:
        """A line on standard error."""
        say(self.wanted.language, key, **facts)


def say(language: Language, key: str, **facts: Any) -> None:
    """A line on standard error, for people."""
    text = SAID[language][key].format(**facts)
    if key in {"broke", "again", "lost"}:  # at some time of some night
        text = f"{datetime.now():%m-%d %H:%M:%S} {text}"
    ERR.print(text, markup=False, highlight=False, soft_wrap=True)
