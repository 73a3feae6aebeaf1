from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from tasks import artifacts
from tests.mmcore.evaluation.reporting.made import blocked, report
from tests.mmcore.evaluation.reporting.test_page import night

TOLD = report(verdict=blocked())


def shown(*given, **options):
    """Key → data of the artifacts of a flow run, and what it could not show."""

    @flow
    def run() -> list[str]:
        return artifacts.show(*given, **options)

    state = run(return_state=True)
    of_this_run = {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}
    with get_client(sync_client=True) as client:  # one answer has 200 at most
        answer = client.request("POST", "/artifacts/filter", json={"artifacts": of_this_run})
    return {a["key"]: a["data"] for a in answer.json()}, state.result()


def test_a_flow_run_has_scores_verdict_page_and_trend(prefect_server, tmp_path):
    """Numbers are Python's, the verdict is prose, the page a path to copy, the trend a picture."""
    found, missing = shown(TOLD, tmp_path / "report.html", [night(1)])

    assert missing == []
    assert json.loads(found["retrieval-scores"])[0] == {
        "direction": "Chinese text → image",
        "queries": 1234,
        "gallery": 5000,
        "Success@10": 0.25,
        "RR": 0.5,
        "median rank": 3.5,
    }
    assert "fell from 0.412 to 0.301" in found["retrieval-verdict"]
    assert found["retrieval-report"] == f"`{tmp_path / 'report.html'}`"
    assert found["retrieval-trend-image"].startswith("data:image/svg+xml;base64,")


def test_nothing_of_the_lake_goes_to_the_server(prefect_server, tmp_path):
    """No query, path or key; of a private lake not the page's address either."""
    found, _ = shown(TOLD, tmp_path / "report.html", [night(1)], private=True)

    told = json.dumps(found, ensure_ascii=False)
    assert not any(word in told for word in ("一只猫", "猫/1", "狗", "ab12", str(tmp_path)))


def test_what_prefect_cannot_keep_is_said(prefect_server, monkeypatch, caplog, tmp_path):
    """The rest is shown all the same, and nothing is raised."""

    def failing(*_, **__):
        raise RuntimeError("the database is locked")

    monkeypatch.setattr(artifacts, "create_table_artifact", failing)

    found, missing = shown(TOLD, tmp_path / "report.html")

    assert missing == ["scores"]
    assert set(found) == {"retrieval-verdict", "retrieval-report"}
    assert "the database is locked" in caplog.text


def test_a_plain_call_asks_no_prefect(monkeypatch):
    """Without a flow run there is nothing to put anything onto."""
    monkeypatch.setattr(artifacts, "create_table_artifact", None)

    assert artifacts.show(TOLD, Path("report.html")) == []


def test_the_verdict_is_a_table_in_markdown():
    """What fell stands first, with its change."""
    lines = artifacts.markdown(TOLD).splitlines()

    row = next(line for line in lines if line.startswith("| Chinese text → image"))
    assert "| 0.412 | 0.301 | ▼ \N{MINUS SIGN}0.111 | 0.000 | blocked |" in row
    assert lines.index(row) == 1 + next(k for k, line in enumerate(lines) if line[:4] == "|---")


@pytest.mark.parametrize("told", [report(), report(directions=[], status="unmeasured")])
def test_a_report_without_a_verdict_has_one_line(told):
    """Of a report from before the gate, or one that nothing was scored for."""
    assert artifacts.markdown(told).startswith("# ")


def test_a_picture_is_a_file_of_its_own():
    """It names the namespace, and is whole without the page's style sheet."""
    trend = artifacts.trend
    (chart,) = trend.charts_of(trend.nights(TOLD, [night(1)]))[1]

    drawn = base64.b64decode(artifacts.picture(chart).partition(",")[2]).decode()

    assert drawn.startswith("<svg xmlns=")
    assert "<style>" in drawn
