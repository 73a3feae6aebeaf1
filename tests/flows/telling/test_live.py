"""Progress artifacts of a flow run, on a server."""

import logging
import time

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client

from flows.telling import live
from flows.telling.clock import Clock
from flows.telling.live import key_of, shown_live
from flows.telling.progress import LogStages, active

pytestmark = pytest.mark.usefixtures("prefect_server")


def artifacts(state):
    """Key → data and description, of a flow run's progress artifacts."""
    run = str(state.state_details.flow_run_id)
    asked = {"artifacts": {"flow_run_id": {"any_": [run]}, "type": {"any_": ["progress"]}}}
    with get_client(sync_client=True) as client:
        answer = client.request("POST", "/artifacts/filter", json=asked).json()
    assert len({one["key"] for one in answer}) == len(answer)
    return {one["key"]: (one["data"], one["description"]) for one in answer}


def shown(work):
    """What a flow run shows once ``work`` was done in it, and the run's state."""

    @flow(name="index-media")
    def run() -> None:
        with shown_live("index-media"):
            work(Clock())

    state = run(return_state=True)
    return artifacts(state), state


def test_each_stage_is_one_artifact_that_ends_full():
    """Created once and brought up to date; its name is there in both languages."""

    def work(clock):
        with clock.stage("embed image", 4, "files") as note:
            clock.advance("embed image", 4)
            note.append("4 segments")
        with clock.stage("rows"):
            pass

    found, _ = shown(work)

    assert {key: data for key, (data, _) in found.items()} == {
        "index-media-embed-image": 100,
        "index-media-rows": 100,
    }
    said = found["index-media-embed-image"][1]
    assert said.startswith("**embed image · 嵌入图片**: done in ")
    assert said.endswith("s, 4 segments")


def test_a_stage_that_fails_stays_where_it_was():
    """Its share stands, and that it failed is said."""

    def work(clock):
        with clock.stage("embed text", 8, "files"):
            clock.advance("embed text", 2)
            raise OSError("gone")

    found, state = shown(work)

    assert state.is_failed()
    assert found == {"index-media-embed-text": (25, "**embed text · 嵌入文本**: failed")}


def test_progress_is_there_while_a_stage_runs(monkeypatch):
    """Before it ends the server has its count."""
    monkeypatch.setattr(live, "EVERY", 0.05)
    seen = {}

    @flow(name="index-media")
    def run() -> None:
        from prefect.runtime import flow_run

        asked = {"artifacts": {"flow_run_id": {"any_": [str(flow_run.id)]}}}
        with shown_live("index-media"), get_client(sync_client=True) as client:
            clock = Clock()
            with clock.stage("embed text", 8, "files"):
                clock.advance("embed text", 2)
                until = time.monotonic() + 10
                while seen.get("data") != 25 and time.monotonic() < until:
                    answer = client.request("POST", "/artifacts/filter", json=asked).json()
                    seen.update(*answer[:1])

    run()

    assert seen["data"] == 25
    assert "2 of 8 files" in seen["description"]


def test_a_quick_stage_asks_little_of_the_server(monkeypatch):
    """A thousand steps within a second are two requests or so, not a thousand."""
    calls = []
    update = SyncPrefectClient.update_artifact
    monkeypatch.setattr(
        SyncPrefectClient,
        "update_artifact",
        lambda *given: calls.append(1) or update(*given),
    )

    def work(clock):
        with clock.stage("embed text", 1000, "files"):
            for _ in range(1000):
                clock.advance("embed text", 1)

    began = time.monotonic()
    found, _ = shown(work)

    assert found["index-media-embed-text"][0] == 100
    assert len(calls) <= 3 + (time.monotonic() - began) / live.EVERY


@pytest.mark.parametrize(("age", "seconds"), [(0, 1), (30, 1), (100, 3), (600, 10), (100_000, 10)])
def test_a_long_run_tells_less_often(age, seconds):
    """A second at first, 3 % of the run's age later, ten seconds at most."""
    assert live.pause(age) == pytest.approx(seconds)


def test_a_server_that_takes_no_artifact_fails_and_delays_no_run(monkeypatch, caplog):
    """It is a warning, once; the run ends as ever."""

    def refuse(*_):
        raise RuntimeError("the database is locked")

    monkeypatch.setattr(SyncPrefectClient, "create_artifact", refuse)
    monkeypatch.setattr(live, "PAUSE", 0.01)
    monkeypatch.setattr(live, "ANSWER", 60.0)  # so that who waits for its end is told from load
    caplog.set_level(logging.WARNING, logger="flows")

    def work(clock):
        with clock.stage("rows"):
            time.sleep(0.1)

    began = time.monotonic()
    found, state = shown(work)

    assert state.is_completed()
    assert found == {}
    assert time.monotonic() - began < live.ANSWER
    assert [r.message for r in caplog.records if "no progress" in r.message] == [
        "Prefect shows no progress for now: RuntimeError"
    ]


def test_outside_of_a_run_nothing_is_shown():
    """A plain call tells whoever it told before."""
    with shown_live("index-media"):
        assert isinstance(active(), LogStages)


def test_keys_are_prefects():
    """Lower case, digits and dashes, whatever an encoder is called."""
    assert key_of("index-media", "embed text (E5_small:ü)") == "index-media-embed-text-e5-small"
