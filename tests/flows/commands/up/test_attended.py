"""Runs that no process is at are found, though the worker lives."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Completed, Pending, Running

from flows.commands.up import upkeep
from flows.commands.up.attended import ABSENT, EVERY, Attended, runs_at_work

POOL = "mmindex"


@pytest.fixture
def client(prefect_server):
    """A client of a server with a pool, in which no run is under way."""
    with get_client(sync_client=True) as client:
        upkeep.make_pool(client, POOL)
        upkeep.end_dead_runs(client, POOL)
        yield client


@pytest.fixture
def run(client):
    """Makes a run of a deployment of the pool, in a state; its id."""
    flow = client.create_flow_from_name("index-media")

    def made(state):
        name = f"d{os.urandom(4).hex()}"
        deployment = client.create_deployment(flow, name, work_pool_name=POOL)
        return client.create_flow_run_from_deployment(deployment, state=state).id

    return made


@pytest.fixture
def process():
    """Starts a process that is at a run, as any worker does."""
    started = []

    def at(run):
        environment = {**os.environ, "PREFECT__FLOW_RUN_ID": str(run)}
        command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
        started[-1].stdout.readline()
        return started[-1]

    yield at
    for one in started:
        one.kill()
        one.communicate()


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self):
        """The time now."""
        return self.now


def test_a_run_without_a_process_is_marked_after_a_while(client, run, process):
    """Running or Pending; one that has a process is under way, however long it takes."""
    clock = Clock()
    attended = Attended(POOL, clock)
    alone, waiting, at_work = run(Running()), run(Pending()), run(Running())
    process(at_work)

    assert attended.look(client) == []
    clock.now += ABSENT - 1
    assert attended.look(client) == []
    clock.now += 1
    assert len(attended.look(client)) == 2
    states = [client.read_flow_run(one).state for one in (alone, waiting, at_work)]
    assert [one.name for one in states] == ["Crashed", "Crashed", "Running"]
    assert states[0].message == upkeep.NOBODY


def test_a_run_whose_process_ends_has_its_time_from_then(client, run, process):
    """Its worker is about to report it; and what has ended meanwhile stays as it ended."""
    clock = Clock()
    attended = Attended(POOL, clock)
    ended, lost = run(Running()), run(Running())
    processes = [process(ended), process(lost)]
    attended.look(client)
    clock.now += 10 * ABSENT
    for one in processes:
        one.kill()
        one.wait()

    assert attended.look(client) == []
    client.set_flow_run_state(ended, Completed())
    clock.now += ABSENT
    assert len(attended.look(client)) == 1
    names = [client.read_flow_run(one).state.name for one in (ended, lost)]
    assert names == ["Completed", "Crashed"]


def test_runs_of_one_worker_are_those_of_processes_below_it(process):
    """A worker that has just ended has none."""
    run = uuid4()
    at_work = process(run)

    assert run in runs_at_work(os.getpid())
    assert runs_at_work(at_work.pid) == set()
    at_work.kill()
    at_work.wait()
    assert runs_at_work(at_work.pid) == set()


def test_a_look_is_due_now_and_then():
    """A server is asked twice a minute, not at each step."""
    clock = Clock()
    attended = Attended(POOL, clock)

    assert not attended.due
    clock.now += EVERY
    assert attended.due


def test_the_run_of_a_process_is_known_while_it_lives(process):
    """Whoever started it: a run that a second worker is at is not lost."""
    run = uuid4()
    one = process(run)

    assert run in runs_at_work()
    one.kill()
    one.wait()
    assert run not in runs_at_work()
