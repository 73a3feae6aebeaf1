"""A place where runs are made: `mmindex up`, its processes, its API, and a cluster beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import psutil

from tests.clusters import DaskCluster

ROOT: Final = Path(__file__).parents[1]
MARK: Final = "MMTEST_CHAOS"
"""In the environment of all that a site starts, so that what outlives its parent is found."""

FINAL: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
PATIENCE: Final = 300.0
AGAIN: Final = 2.0  # seconds after which a supervisor starts `mmindex up` again
T = TypeVar("T")

STAGE: Final = re.compile(r"([a-z]+(?: [a-z]+)?): (started|done in)")


@dataclass(slots=True)
class Api:
    """Prefect's API; a server that is away answers None."""

    url: str

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What is answered to a GET, or with ``body`` to a POST; None where nobody answers."""
        method = "GET" if body is None else "POST"
        try:
            answer = httpx.request(method, f"{self.url}{path}", json=body, timeout=20)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.is_success else None

    def surely(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The same, until there is an answer."""
        return until(lambda: self.ask(path, body), f"an answer to {path}")

    def scheduled(self, deployment: str, config: Mapping[str, Any], at: datetime) -> str:
        """A run of a deployment at a time, which a worker has to fire; its id."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
        told = {"state": state, "parameters": {"config": dict(config)}}
        return str(self.surely(f"/deployments/{deployment}/create_flow_run", told)["id"])

    def state(self, run: str) -> dict[str, Any] | None:
        """The state of a run, as the server has it now."""
        found = self.ask(f"/flow_runs/{run}")
        return found and found["state"]

    def ended(self, run: str, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end of a run; its last state, whatever it is by then."""
        deadline = time.monotonic() + patience
        while True:
            state = self.state(run)
            if state and (state["type"] in FINAL or time.monotonic() > deadline):
                return state
            if time.monotonic() > deadline + patience:
                raise SystemExit(f"nobody answers at {self.url}")
            time.sleep(0.2)

    def stage(self, run: str, at: datetime) -> str:
        """What a run was at, by the lines of its log that reached the server; or "starting"."""
        told = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        begun: dict[str, bool] = {}
        for one in self.surely("/logs/filter", told):
            if found := STAGE.match(one["message"]):
                if datetime.fromisoformat(one["timestamp"]) > at:
                    break
                begun[found[1]] = found[2] == "started"
        running = [name for name, runs in begun.items() if runs]
        return running[-1] if running else f"after {list(begun)[-1]}" if begun else "starting"

    def held(self) -> dict[str, Any]:
        """What would block later runs: runs under way, and slots that are taken."""
        types = ["PENDING", "RUNNING", "CANCELLING"]
        wanted = {"flow_runs": {"state": {"type": {"any_": types}}}}
        runs = [one["state"]["type"] for one in self.surely("/flow_runs/filter", wanted)]
        limits = self.surely("/v2/concurrency_limits/filter", {})
        slots = {one["name"]: one["active_slots"] for one in limits if one["active_slots"]}
        return {"runs": runs, "slots": slots}


@dataclass(slots=True)
class Site:
    """`mmindex up` under a supervisor that starts it again, and a Dask cluster."""

    folder: Path
    port: int
    command: tuple[str, ...]
    environment: dict[str, str]
    cluster: DaskCluster | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(f"http://127.0.0.1:{self.port}/api")

    def start(self) -> float:
        """Start `mmindex up`, again and again until it is up; the seconds this took."""
        began = time.monotonic()
        while time.monotonic() < began + PATIENCE:
            self.starts += 1
            told = self.folder / f"up-{self.starts}.out"
            with told.open("wb") as out, (self.folder / "up.log").open("ab") as err:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "flows.cli", "up", *self.command, "--json"],
                    cwd=self.folder,
                    env=self.environment,
                    stdout=out,
                    stderr=err,
                )
            while self.process.poll() is None and not told.read_bytes().endswith(b"\n"):
                time.sleep(0.1)
            if self.process.poll() is None:
                return time.monotonic() - began
            time.sleep(AGAIN)
        raise SystemExit(f"`mmindex up` does not start:\n{(self.folder / 'up.log').read_text()}")

    def deployment(self, name: str) -> str:
        """The id of a deployment."""
        found = self.api.surely("/deployments/filter", {})
        return str(next(one["id"] for one in found if one["name"] == name))

    def child(self, *words: str) -> psutil.Process | None:
        """The process below `mmindex up` whose command has these words in it."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            for one in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    line = one.cmdline()
                    if set(words) <= set(line) and one.status() != psutil.STATUS_ZOMBIE:
                        return one
        return None

    def flow(self) -> psutil.Process | None:
        """The process of the run under way."""
        return self.child("benchmarks.chaos_run")

    def kill(self, victim: str, number: int) -> bool:
        """SIGKILL to one of them; False where it is not there."""
        match victim:
            case "flow":
                found = self.flow()
            case "worker":
                found = self.child("prefect", "worker")
            case "server":
                found = self.child("prefect", "server")
            case "up":
                assert self.process is not None
                found = psutil.Process(self.process.pid)
            case "cluster":
                assert self.cluster is not None
                workers = self.cluster.workers
                found = psutil.Process(workers[number % len(workers)].pid)
            case _:
                raise ValueError(victim)
        if found is None:
            return False
        found.send_signal(signal.SIGKILL)
        return True

    def mend(self, victim: str, number: int) -> None:
        """What a supervisor does of its own accord."""
        if victim == "up":
            assert self.process is not None
            self.process.wait()
            time.sleep(AGAIN)
            self.start()
        elif victim == "cluster":
            assert self.cluster is not None
            number %= len(self.cluster.workers)
            self.cluster.workers[number].wait()
            self.cluster.workers[number] = self.cluster.started(number)

    def orphans(self) -> list[str]:
        """Processes of ours that are no child of `mmindex up`; and runs that should have ended."""
        assert self.process is not None
        mine = {self.process.pid}
        below = psutil.Process(self.process.pid).children(recursive=True)
        mine |= {one.pid for one in below if "benchmarks.chaos_run" not in one.cmdline()}
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                ours = one.environ().get(MARK) == str(self.folder)
                if ours and one.pid not in mine and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(one.cmdline())[-100:])
        return found

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=60)
            self.process.kill()


def site_of(folder: Path, port: int, config: Mapping[str, Any]) -> Site:
    """A site with the deployment `index-media` alone, whose own times are far away."""
    (folder / "home").mkdir(parents=True)
    file = folder / "prefect.json"
    file.write_text(json.dumps({"deployments": [_deployment(config)]}))
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MMINDEX_"))}
    environment = ours | {
        "PREFECT_HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        MARK: str(folder),
    }
    return Site(folder, port, ("--port", str(port), "--file", str(file)), environment)


def _deployment(config: Mapping[str, Any]) -> dict[str, Any]:
    """`index-media` as prefect.yaml has it, with encoders that need no weights."""
    import yaml

    shipped = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    told: dict[str, Any] = next(one for one in shipped if one["name"] == "index-media")
    told["parameters"] = {"config": {**told["parameters"]["config"], **config}}
    told["schedules"] = [{"cron": "0 1 1 1 *", "timezone": "UTC"}]
    command = f"{sys.executable} -P -m benchmarks.chaos_run"
    told["work_pool"] = {**told["work_pool"], "job_variables": {"command": command}}
    return told


def until(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Look until there is something; SystemExit where there never is."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.2)
    raise SystemExit(f"there was never {what}")


def seconds_since(moment: datetime, state: Mapping[str, Any]) -> float:
    """From a moment until a state was set, by the server."""
    then = datetime.fromisoformat(str(state["timestamp"]))
    return round((then - moment).total_seconds(), 1)


def now() -> datetime:
    """The time, of a zone."""
    return datetime.now(UTC)
