from __future__ import annotations

import json

from prefect import flow
from prefect.client.orchestration import get_client

from storage.layout import Layout
from tasks import throughput
from tasks.throughput import FILE, KEY, keep_throughput, show_throughput

TOLD = {"a": {"rate": 2.5, "batches": {"5": 3}, "devices": ["cuda:0", "cuda:1"], "settled": None}}


def test_figures_lie_beside_the_report(tmp_path):
    """In the folder of the snapshot's report, so that they go when it goes."""
    keep_throughput(Layout(tmp_path), 3, TOLD)

    assert json.loads((tmp_path / "reports" / "3" / FILE).read_text()) == TOLD


def test_a_flow_run_has_a_table(prefect_server):
    """One row an encoder; what is no number is a text."""

    @flow
    def run() -> None:
        show_throughput(TOLD)

    state = run(return_state=True)
    of_this_run = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    with get_client(sync_client=True) as client:  # one answer has 200 at most
        answer = client.request("POST", "/artifacts/filter", json={"artifacts": of_this_run})
    (found,) = (one for one in answer.json() if one["key"] == KEY)

    assert json.loads(found["data"]) == [
        {
            "encoder": "a",
            "rate": 2.5,
            "batches": "3×5",
            "devices": "cuda:0, cuda:1",
            "settled": None,
        }
    ]


def test_what_prefect_cannot_keep_stops_no_run(prefect_server, monkeypatch, caplog):
    """It is said, and the run goes on."""

    def failing(*_, **__):
        raise RuntimeError("the database is locked")

    monkeypatch.setattr(throughput, "create_table_artifact", failing)

    @flow
    def run() -> str:
        show_throughput(TOLD)
        return "went on"

    assert run() == "went on"
    assert "the database is locked" in caplog.text


def test_a_plain_call_asks_no_prefect(monkeypatch):
    """Without a flow run there is nothing to put a table onto."""
    monkeypatch.setattr(throughput, "create_table_artifact", None)

    show_throughput(TOLD)
