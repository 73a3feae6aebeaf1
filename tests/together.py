"""`mmindex up` with a home of its own, and runs of its deployments: fired, watched, ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import yaml
from filelock import FileLock, Timeout

from tests.held import HOLD

ROOT: Final = Path(__file__).parents[1]
ENDED: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
LONGEST: Final = 300.0
"""Seconds for anything that is waited for."""
OURS: Final = "MMINDEX_"
BUSY: Final = 503


def lives(process: psutil.Process) -> bool:
    """Whether a process does anything yet; one that waits to be asked after is over."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def until_gone(processes: Sequence[psutil.Process], longest: float = LONGEST) -> list[int]:
    """Wait until none of them lives any more; those that do all the same."""
    deadline = time.monotonic() + longest
    while (living := [one.pid for one in processes if lives(one)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    return living


def locked(lake: Path) -> bool:
    """Whether somebody writes to a lake; a note that was left behind is not a lock."""
    lock = FileLock(lake / "LOCK", timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's, without what says something to Prefect or to mmindex."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", OURS))}
    own = {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    return kept | own | {"MMINDEX_CACHE": str(home / "cache")} | more


def deployments(file: Path, media: Path, lake: Path, **config: Any) -> Path:
    """A user's copy of ``prefect.yaml`` that waits as long as told, with a second of index-media.

    The runs can be told to hold (``tests.held``).
    """
    told = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    command = f"{sys.executable} -P -m tests.held"
    for one in told["deployments"]:
        one["schedules"] = []
        one["work_pool"] = {**one["work_pool"], "job_variables": {"command": command}}
        one["parameters"]["config"] |= {"lake": str(lake)} | config
        if "media" in one["parameters"]["config"]:
            one["parameters"]["config"]["media"] = [f"m={media}"]
    another = next(one for one in told["deployments"] if one["name"] == "index-media")
    told["deployments"].append({**another, "name": "by-day"})
    file.write_text(yaml.safe_dump(told), "utf-8")
    return file


@dataclass(frozen=True, slots=True)
class Seen:
    """How a run stands: its state, with the state's words, and its seconds under way."""

    type: str
    name: str
    message: str
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.type in ENDED


class Server:
    """A Prefect server with deployments and a worker, as `mmindex up` started them."""

    def __init__(self, api: str, process: subprocess.Popen[str], home: Path) -> None:
        self.api, self.process, self.home = api, process, home
        self._http = httpx.Client(base_url=api, timeout=60, trust_env=False)

    def close(self) -> None:
        """Ask it nothing more."""
        self._http.close()

    def ask(self, method: str, path: str, **told: Any) -> Any:
        """What the server answers; while its database is busy (503) it is asked again."""
        deadline = time.monotonic() + LONGEST
        while (answer := self._http.request(method, path, **told)).status_code == BUSY:
            if time.monotonic() > deadline:
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the server answers to a body."""
        return self.ask("POST", path, json=body or {})

    def fire(self, name: str, env: Mapping[str, str] | None = None, **config: Any) -> str:
        """Ask for a run of a deployment, now; its id. ``env`` and ``config`` are this run's."""
        one = next(d for d in self.post("/deployments/filter") if d["name"] == name)
        told = {"config": {**one["parameters"]["config"], **config}}
        body: dict[str, Any] = {"state": {"type": "SCHEDULED"}, "parameters": told}
        if env:
            body["job_variables"] = {"env": dict(env)}
        run = self.post(f"/deployments/{one['id']}/create_flow_run", body)
        return str(run["id"])

    def seen(self, run: str) -> Seen:
        """How a run stands now."""
        told = self.ask("GET", f"/flow_runs/{run}")
        state = told["state"]
        spent = float(told["total_run_time"] or told["estimated_run_time"] or 0)
        return Seen(state["type"], state["name"], state["message"] or "", spent)

    def wait(self, run: str, *states: str, longest: float = LONGEST) -> Seen:
        """How it stands once it is in one of the states (types, or names), or is over."""
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline:
            now = self.seen(run)
            if now.ended or now.type in states or now.name in states:
                return now
            time.sleep(0.2)
        raise AssertionError(f"{run} is {self.seen(run)} after {longest:.0f} s")

    def cancel(self, run: str) -> None:
        """As `prefect flow-run cancel` does, and the button of the UI."""
        self.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})

    def states(self, run: str) -> list[tuple[str, str]]:
        """All states that it went through: names, and what they say."""
        told = self.ask("GET", "/flow_run_states/", params={"flow_run_id": run})
        rows = sorted(told, key=lambda one: one["timestamp"])
        return [(row["name"], row["message"] or "") for row in rows]

    def logs(self, run: str) -> list[str]:
        """The lines of its log."""
        wanted = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        return [row["message"] for row in self.post("/logs/filter", wanted)]

    def slots(self) -> dict[str, int]:
        """Slots of all limits that are taken: the GPUs', and one of each deployment."""
        rows = self.post("/v2/concurrency_limits/filter", {"limit": 200})
        return {row["name"]: row["active_slots"] for row in rows if row["active_slots"]}

    def await_slots(self, longest: float = 30.0) -> dict[str, int]:
        """The slots that are still taken after a while: none, where all is well."""
        deadline = time.monotonic() + longest
        while (taken := self.slots()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return taken

    def shorten(self, automation: str, within: float) -> None:
        """Give an automation of ``deploy/automations.yaml`` another time, in seconds."""
        rows = self.post("/automations/filter")
        one = next(row for row in rows if row["name"] == automation)
        told = {key: one[key] for key in ("name", "description", "enabled", "actions")}
        told["trigger"] = {**one["trigger"], "within": within}
        self.ask("PUT", f"/automations/{one['id']}", json=told)

    def pause(self, pool: str, paused: bool) -> None:
        """Let no run of a pool begin, or let them again."""
        self.ask("PATCH", f"/work_pools/{pool}", json={"is_paused": paused})

    def processes(self, run: str) -> list[psutil.Process]:
        """The process that executes a run, and all below it."""
        found = []
        for one in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if run in one.environ().get("PREFECT__FLOW_RUN_ID", ""):
                    found.append(one)
            except psutil.Error:
                continue
        return found

    def worker(self) -> psutil.Process:
        """The worker that `mmindex up` keeps."""
        children = psutil.Process(self.process.pid).children()
        return next(one for one in children if "worker" in one.cmdline())


@contextmanager
def up(home: Path, file: Path, arguments: Sequence[str] = (), **env: str) -> Iterator[Server]:
    """`mmindex up` while a block lasts; no process of it is left."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.log").open("w") as err:
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "flows.cli", "up", "--port", "0", "--json"),
                *("--file", str(file)),
                *arguments,
            ],
            env=environment(home, **env),
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError((home / "up.log").read_text())
        with closing(Server(json.loads(line)["api"], process, home)) as server:
            yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        finally:
            process.kill()
            process.communicate()  # closes its pipe


def by_hand(server: Server, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """`mmindex …` as a user at a terminal starts it, on the same Prefect server."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.held", "cli", *arguments],
        env=environment(server.home, PREFECT_API_URL=server.api, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def holding(place: str, note: Path, seconds: float = LONGEST) -> dict[str, str]:
    """The environment of a run that holds at ``place`` until ``note`` is removed."""
    note.write_text("hold")
    return {HOLD: f"{place}:{seconds}:{note}"}


def await_held(note: Path, longest: float = LONGEST) -> None:
    """Wait until a run holds at its place."""
    deadline = time.monotonic() + longest
    while note.read_text() != "held":
        if time.monotonic() > deadline:
            raise AssertionError(f"nobody came to {note} in {longest:.0f} s")
        time.sleep(0.1)
