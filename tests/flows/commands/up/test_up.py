"""`mmindex up` on a real server: what it makes there, what it leaves, how it ends."""

import json
import os
import signal
import socket
import string
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.states import Pending, Running, Scheduled

from flows.commands.up import server, upkeep
from flows.commands.up.command import Up, Wanted
from flows.commands.up.deployments import shipped
from flows.commands.up.home import note_of, only_one
from flows.commands.up.server import free_port
from flows.commands.up.words import SAID
from flows.engines.gpu import LIMIT, gpus_claimed
from flows.orchestration.temporary_server import OrchestratorError
from mmcore.errors import ConfigError
from tests.together import Server

ROOT = Path(__file__).parents[4]
BEGUN = ["begun", "starting", "answers", "deploying"]


@pytest.fixture
def client(prefect_server):
    """A client of a server with the pool `mmindex`."""
    with get_client(sync_client=True) as client:
        upkeep.make_pool(client, "mmindex")
        yield client


def run_of(client, state):
    """A run of a deployment of the pool, in a state; its id."""
    flow = client.create_flow_from_name("index-media")
    deployment = client.create_deployment(
        flow, f"d{time.monotonic_ns()}", work_pool_name="mmindex"
    )
    return client.create_flow_run_from_deployment(deployment, state=state).id


def test_what_is_made_twice_is_there_once(client):
    """A pool, a limit and the automations; a limit that somebody changed stays as it is."""
    file = shipped("deploy/automations.yaml")
    for _ in range(2):
        upkeep.make_pool(client, "mmindex")
        upkeep.make_limit(client)
        upkeep.make_automations(client, file)
    names = [one.name for one in client.read_automations() if one.name.startswith("mmindex-")]

    assert sorted(names) == ["mmindex-late", "mmindex-lost", "mmindex-too-long"]
    assert client.read_global_concurrency_limit_by_name(LIMIT).limit == 1


def test_a_pool_of_another_kind_is_not_taken(client):
    """A worker of processes would do nothing for it."""
    client.create_work_pool(WorkPoolCreate(name="elsewhere", type="docker"))
    with pytest.raises(ConfigError, match="of type docker"):
        upkeep.make_pool(client, "elsewhere")


def test_runs_without_a_worker_are_marked_and_others_are_not(client):
    """What was under way when the worker ended is Crashed; what is to come, comes."""
    begun = [run_of(client, Running()), run_of(client, Pending())]
    soon = run_of(client, Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1)))
    ended = upkeep.end_dead_runs(client, "mmindex")

    assert len(ended) == 2
    assert [client.read_flow_run(one).state.name for one in begun] == ["Crashed", "Crashed"]
    assert client.read_flow_run(soon).state.name == "Scheduled"
    assert upkeep.end_dead_runs(client, "mmindex") == []
    assert upkeep.end_dead_runs(client, "another") == []


def test_a_run_that_somebody_asked_for_is_never_too_late(client):
    """Only those of a schedule are left to the next one."""
    asked = run_of(client, Scheduled(scheduled_time=datetime.now(UTC) - timedelta(hours=8)))

    assert upkeep.leave_late_runs(client, "mmindex") == []
    assert client.read_flow_run(asked).state.type.value == "SCHEDULED"


def test_scheduled_runs_that_are_too_late_are_left_to_the_next(monkeypatch):
    """An hour and more: a night that a machine slept through is not made up for by day."""
    now = datetime.now(UTC)
    hours = {"early": -1, "just": 0.9, "late": 1.1, "asked": 9}
    runs = [
        SimpleNamespace(
            id=name,
            name=name,
            auto_scheduled=name != "asked",
            next_scheduled_start_time=now - timedelta(hours=late),
        )
        for name, late in hours.items()
    ]
    set_ = {}
    client = SimpleNamespace(
        set_flow_run_state=lambda run, state, force: set_.update({run: state})
    )
    monkeypatch.setattr(upkeep, "_runs", lambda *_: runs)

    assert upkeep.leave_late_runs(client, "mmindex") == ["late"]
    assert {run: state.name for run, state in set_.items()} == {"late": "Cancelled"}


def test_what_has_no_gpu_takes_no_lock_and_asks_no_server():
    """A run on the CPU is held up by nobody."""
    with gpus_claimed(("cpu", "cpu")):
        pass


def test_a_port_that_is_taken_is_told():
    """With what to do."""
    port = free_port(0)
    taken = socket.create_server(("127.0.0.1", port))
    with taken, pytest.raises(ConfigError, match=r"cannot be used .* take another --port"):
        free_port(port)


def test_a_prefect_server_at_the_port_is_named(monkeypatch):
    """It may be the one that is wanted."""
    monkeypatch.setattr(server, "answers", lambda url, _: url.endswith("/api/health"))
    port = free_port(0)
    taken = socket.create_server(("127.0.0.1", port))
    with taken, pytest.raises(ConfigError, match=f"PREFECT_API_URL=http://127.0.0.1:{port}/api"):
        free_port(port)


def test_only_one_is_at_work_in_a_folder(tmp_path):
    """Two would start two servers on one database."""
    refused = pytest.raises(ConfigError, match=r"at work in .*, and about to start")
    with only_one(tmp_path), refused, only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_the_second_is_told_where_the_first_is(tmp_path):
    """And who comes after one that was killed hears nothing of that."""
    note_of(tmp_path).write_text("http://127.0.0.1:1")
    refused = pytest.raises(ConfigError, match=r"at work in .*, at http://127\.0\.0\.1:4201: ")
    with only_one(tmp_path):
        assert not note_of(tmp_path).exists()
        note_of(tmp_path).write_text("http://127.0.0.1:4201")
        with refused, only_one(tmp_path):
            pass
    assert not note_of(tmp_path).exists()


def up_that(tmp_path, error, ending=None):
    """An `Up` at whose server something fails while all is made."""

    class Failing(Up):
        def prepare(self, url):
            raise error

    told = {"deployments": [{"work_pool": {"name": "mmindex"}}]}
    return Failing(Wanted(), told, tmp_path, ending or threading.Event())


def test_a_server_that_refuses_is_told_in_a_line(tmp_path):
    """By its address, with what it said."""
    refused = httpx.HTTPError("401 Unauthorized\nmore")
    with pytest.raises(OrchestratorError, match=r"http://there/api did not do .*401") as raised:
        up_that(tmp_path, refused).prepared("http://there/api")

    assert len(str(raised.value).splitlines()) == 1


def test_ctrl_c_while_deployments_are_made_is_no_failure(tmp_path):
    """It reaches the command of Prefect that is at work, which fails."""
    ending, error = threading.Event(), OrchestratorError("Prefect", "did not", "see")
    with pytest.raises(OrchestratorError):
        up_that(tmp_path, error, ending).prepared("http://there/api")
    ending.set()

    assert up_that(tmp_path, error, ending).prepared("http://there/api") is None


@pytest.mark.parametrize(("runs", "says"), [(set(), "ending"), ({"r"}, "interrupting")])
def test_who_ends_it_hears_of_an_interruption_where_there_is_one(
    tmp_path, monkeypatch, runs, says
):
    """Where no run is under way, none is interrupted."""
    said, asked = [], []

    class Ending(Up):
        def server_at(self):
            return "http://there/api"

        def prepared(self, _):
            self.worker = SimpleNamespace(pid=7)
            return []

        def announce(self, *_):
            self.ending.set()

        def say(self, key, **_):
            said.append(key)

    def at_work(worker):
        asked.append(worker)
        return runs

    monkeypatch.setattr("flows.commands.up.command.runs_at_work", at_work)
    told = {"deployments": [{"work_pool": {"name": "mmindex"}}]}
    Ending(Wanted(), told, tmp_path, threading.Event()).until_the_end()

    assert (said, asked) == ([says, "ended"], [7])


def test_both_languages_say_the_same_things():
    """Each sentence is there twice, with the same facts in it."""

    def facts(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert SAID["en"].keys() == SAID["zh"].keys()
    for key, text in SAID["en"].items():
        assert facts(text) == facts(SAID["zh"][key])


def started(tmp_path, *arguments):
    """`mmindex up` with a home of its own, ignoring SIGINT at its start, as `&` has it."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MMINDEX_"))}
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    code += "from flows.cli import main; sys.argv[0] = 'mmindex'; main()"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, "up", "--port", "0", "--json", *arguments],
        env=ours | {"PREFECT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_its_end(told, process, home, deployment):
    """A run of a deployment; its last state."""
    with closing(Server(told["api"], process, home)) as here:
        return here.wait(here.fire(deployment)).type


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_up_runs_what_it_is_asked_and_ends_clean(tmp_path):
    """From nothing: two runs complete; a killed worker comes back; SIGTERM leaves no process."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.txt").write_text("a red house by the sea")
    up = started(tmp_path, "x=media", "--lake", "lake", "--timezone", "Asia/Shanghai")
    try:
        told = json.loads(up.stdout.readline())
        children = psutil.Process(up.pid).children(recursive=True)

        assert [one["name"] for one in told["deployments"]] == [
            "evaluate-retrieval/evaluate-retrieval",
            "index-media/index-media",
            "maintain/maintain",
            "train-fusion/train-fusion",
        ]
        assert told["deployments"][1]["schedules"] == [
            {"cron": "0 1 * * *", "timezone": "Asia/Shanghai"}
        ]
        assert run_to_its_end(told, up, tmp_path, "index-media") == "COMPLETED"
        next(one for one in children if "worker" in one.cmdline()).kill()
        assert run_to_its_end(told, up, tmp_path, "evaluate-retrieval") == "COMPLETED"
        assert (tmp_path / "lake" / "CURRENT").exists()
        children = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGINT)
        said = up.communicate(timeout=60)[1]
    finally:
        up.kill()
    assert up.returncode == 0
    begun = [SAID["en"][key].partition("{")[0] for key in BEGUN]
    assert all(map(str.startswith, said.splitlines(), begun)), said
    assert said.splitlines()[-1] == SAID["en"]["ended"]
    assert "Traceback" not in said
    assert [one for one in children if one.is_running()] == []
