"""Runs beside each other, and runs that are ended: by states of a real Prefect server."""

import errno
import os
import time
from datetime import timedelta

import pytest
import yaml
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyOptions
from prefect.events.schemas.automations import AutomationCore
from prefect.logging.handlers import APILogHandler
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running

from flows.commands.up.deployments import read, shipped
from flows.config.index import IndexConfig
from flows.config.maintain import MaintainConfig
from flows.orchestration.run import Ending, Run
from mmcore.errors import ConfigError
from storage.layout import Layout
from tasks.policies import POLICY
from tests.writers import written

DEPLOYMENTS = read(shipped("prefect.yaml"))["deployments"]


@pytest.fixture
def client(prefect_server):
    """A client of a real server."""
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def held(tmp_path):
    """A lake that another thread of this process writes to."""
    lake = Layout(tmp_path / "lake")
    with written(lake):
        yield lake


def two_runs(client, told):
    """Two runs of a deployment with the limit that ``prefect.yaml`` gives it."""
    limit = ConcurrencyLimitConfig(**told["concurrency_limit"])
    how = ConcurrencyOptions(collision_strategy=limit.collision_strategy)
    name = f"{told['name']}-{os.urandom(4).hex()}"
    deployment = client.create_deployment(
        client.create_flow_from_name(told["name"]),
        name,
        concurrency_limit=limit.limit,
        concurrency_options=how,
    )
    return [client.create_flow_run_from_deployment(deployment).id for _ in range(2)]


@pytest.mark.parametrize("told", DEPLOYMENTS, ids=lambda told: told["name"])
def test_the_second_run_of_a_deployment_is_cancelled_at_once(client, told):
    """While the first is about to start, and says why."""
    first, second = two_runs(client, told)

    assert client.set_flow_run_state(first, Pending()).state.name == "Pending"
    assert client.set_flow_run_state(second, Pending()).state.name == "Cancelled"
    assert "concurrency limit reached" in client.read_flow_run(second).state.message


@pytest.mark.parametrize("end", [Completed, Failed, Cancelled, Crashed])
def test_a_slot_is_free_however_its_run_ended(client, end):
    """Then the next one may run."""
    first, second = two_runs(client, DEPLOYMENTS[0])
    client.set_flow_run_state(first, Pending())
    client.set_flow_run_state(first, Running())
    client.set_flow_run_state(first, end(), force=True)

    assert client.set_flow_run_state(second, Pending()).state.name == "Pending"


def test_a_wait_that_runs_out_names_the_lake_and_its_holder(client, held, tmp_path):
    """The state's message is what the UI shows; the exit code is 6."""
    from flows.index_media import index_media

    (tmp_path / "media").mkdir()
    config = IndexConfig(media=(f"{tmp_path}/media",), lake=str(held.root), wait=0.2)
    state = index_media(config, return_state=True)

    assert state.name == "Failed"
    assert f"{held.root} is being written by process {os.getpid()}" in state.message
    error = state.result(raise_on_failure=False)
    assert Ending.by(error, Run.of("index-media", config)).code == 6


def test_the_log_of_a_run_that_was_refused_has_a_line_and_no_traceback(client, held, tmp_path):
    """It is no fault of the program; the state says the same."""
    from flows.index_media import index_media

    (tmp_path / "media").mkdir()
    config = IndexConfig(media=(f"{tmp_path}/media",), lake=str(held.root))
    state = index_media(config, return_state=True)

    wanted = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
    deadline = time.monotonic() + 60
    lines: list[str] = []
    while not any("being written" in line for line in lines) and time.monotonic() < deadline:
        APILogHandler().flush()
        lines = [
            one["message"] for one in client.request("POST", "/logs/filter", json=wanted).json()
        ]
    assert f"LakeLockedError: {state.result(raise_on_failure=False)}" in lines
    assert not any("Traceback" in line for line in lines)


def test_nobody_waits_for_a_lake_that_is_not_there(client, tmp_path):
    """It fails at once, and no folder is made."""
    from flows.maintain import maintain

    state = maintain(MaintainConfig(lake=str(tmp_path / "none"), wait=3600), return_state=True)

    assert "NoLakeError" in state.message
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (OSError(errno.EIO, "read error"), 3),
        (TimeoutError("a mount"), 3),
        (OSError(errno.ENOSPC, "full"), 1),
        (ConfigError("no such preset"), 1),
        (ValueError("a fault of ours"), 1),
    ],
    ids=lambda value: getattr(value, "strerror", None) or str(value),
)
def test_a_task_is_tried_again_only_where_that_can_help(prefect_server, error, calls):
    """By Prefect's engine: two more times, or not at all; the error is the flow's."""
    called = []

    @task(**POLICY | {"retry_delay_seconds": 0})
    def fails():
        called.append(1)
        raise error

    @flow
    def run():
        fails()

    with pytest.raises(type(error)):
        run()
    assert len(called) == calls


def test_what_fails_once_is_done_by_the_second_try(prefect_server):
    """The flow does not fail for a read error that passes."""
    errors = [OSError(errno.EIO, "read error")]

    @task(**POLICY | {"retry_delay_seconds": 0})
    def reads():
        if errors:
            raise errors.pop()
        return "read"

    @flow
    def run():
        return reads()

    assert run() == "read"


def test_pauses_between_tries_grow_and_vary():
    """So that many tasks do not ask a store that is busy again at the same time."""
    first, second = POLICY["retry_delay_seconds"]

    assert 0 < first < second
    assert POLICY["retry_jitter_factor"] > 0


def test_the_automations_know_every_flow():
    """A deployment that is added is looked after too; Prefect takes the file."""
    flows = {one["entrypoint"].rpartition(".")[2].replace("_", "-") for one in DEPLOYMENTS}
    told = yaml.safe_load(shipped("deploy/automations.yaml").read_text("utf-8"))["automations"]
    for one in told:
        trigger = AutomationCore.model_validate(one).trigger
        assert set(trigger.match_related["prefect.resource.name"]) == flows
        assert trigger.within >= timedelta(seconds=90)
