import json

import httpx
import pytest
from pydantic import SecretStr

from flows import evaluate_retrieval
from flows.config.evaluate import EvaluateConfig
from mmcore.evaluation.gating.rules import GateSpec
from storage.layout import Layout
from tasks.alerts import Alert, lake_id
from tests.flows.gate.conftest import HERE


@pytest.fixture
def worse(nights):
    """Two nights; the second one is worse, and was published since the gate was off."""
    nights.first()
    nights.worsen()
    nights.index(gate=GateSpec(enabled=False))
    return nights


@pytest.fixture
def emitted(monkeypatch):
    """What was emitted, as it goes to a server."""
    found = []
    monkeypatch.setattr("tasks.alerts.emit_event", lambda **event: found.append(event))
    return found


@pytest.fixture
def real(monkeypatch):
    """The flow's tasks are tasks again, after ``nights`` made them plain functions."""
    from flows.stages import gating
    from tasks import alerts, evaluate

    for module in (gating, evaluate_retrieval):
        for name, owner in (
            ("evaluate_snapshot", evaluate),
            ("fail", evaluate),
            ("roll_back_from", evaluate),
            ("alerted", alerts),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(owner, name))


def test_an_evaluation_is_a_run_that_says_what_it_found(worse, real, prefect_server, emitted):
    """It emits an event of numbers and directions, and its parameters hold no secret."""
    config = EvaluateConfig(
        lake=str(worse.lake.root),
        on_block="roll-back",
        runtime=HERE,
        notify=(SecretStr("json://127.0.0.1:9/geheim"),),
    )

    result = evaluate_retrieval.evaluate_retrieval(config)

    assert (result.status, result.rolled_back_to) == ("block", 1)
    assert result.not_notified == ("json://***: was refused, or could not be reached",)
    assert [event["event"] for event in emitted] == [
        "mmindex.gate.blocked",
        "mmindex.gate.rolled-back",
    ]
    told = emitted[0]
    assert told["resource"]["prefect.resource.id"] == lake_id(Layout(worse.lake.root))
    assert told["payload"]["directions"]
    assert "wall" not in json.dumps(told)
    assert str(worse.lake.root) not in json.dumps(told)
    answer = httpx.post(
        f"{prefect_server}/flow_runs/filter",
        json={"flows": {"name": {"any_": ["evaluate-retrieval"]}}, "sort": "START_TIME_DESC"},
    )
    lake = str(worse.lake.root)  # the server is shared by tests
    (run,) = (one for one in answer.json() if one["parameters"]["config"]["lake"] == lake)
    assert "geheim" not in json.dumps(run)
    of_this_run = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
    shown = httpx.post(f"{prefect_server}/artifacts/filter", json=of_this_run).json()
    keys = {"retrieval-scores", "retrieval-verdict", "retrieval-report"}
    assert {one["key"] for one in shown} >= keys


def test_an_event_that_fails_changes_nothing(worse, real, prefect_server, monkeypatch):
    """It is a warning; the verdict stands, and the report says that nobody was told."""

    def broken(**_):
        raise ConnectionError("the server is gone")

    monkeypatch.setattr("tasks.alerts.emit_event", broken)

    result = evaluate_retrieval.evaluate_retrieval(
        EvaluateConfig(lake=str(worse.lake.root), runtime=HERE)
    )

    assert result.status == "block"
    assert result.not_notified == ("event: ConnectionError",)
    report = json.loads((worse.lake.report("2") / "report.json").read_bytes())
    assert report["notified"] == ["event: ConnectionError"]


def test_without_a_run_nobody_starts_a_server(worse, emitted):
    """A plain call emits nothing: there is nobody to hear it."""
    from tasks.alerts import alerted

    assert alerted.fn(Alert("stale", 1), (), worse_work(worse)) == []
    assert emitted == []


def worse_work(nights):
    """A workplace of the lake."""
    from storage.snapshot import Snapshot
    from tasks.workplace import Workplace

    return Workplace.of(Snapshot.open(nights.lake))
