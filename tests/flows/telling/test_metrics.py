"""Figures for Prometheus: what is written where, and what stays."""

import logging
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.orchestration.run import Ending, Run
from flows.telling import metrics
from mmcore.errors import PublicationBlockedError, SourceError
from tests.flows.test_summary import INDEXED, OPEN, PRIVATE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the node exporter would look."""
    monkeypatch.setenv(metrics.VARIABLE, str(tmp_path))
    return tmp_path


def read(folder):
    """Name and labels but flow and lake → value, of all files; none may be there twice."""
    found = {}
    for path in folder.glob("*.prom"):
        for family in text_string_to_metric_families(path.read_text("utf-8")):
            for sample in family.samples:
                labels = {k: v for k, v in sample.labels.items() if k not in ("flow", "lake")}
                key = (sample.name.removeprefix("mmindex_"), *labels.values())
                assert key not in found
                found[key] = sample.value
    return found


def test_a_good_run_leaves_the_figures_of_run_and_lake(folder):
    """Files, rates, stages, quarantine, verdict, scores, and when it was."""
    metrics.keep(OPEN, Ending(2.0), INDEXED)

    found = read(folder)
    told = {
        ("run_exit_code",): 0,
        ("run_gate", "warn"): 1,
        ("run_gate", "block"): 0,
        ("lake_snapshot",): 3,
        ("lake_items",): 42,
        ("lake_files", "text"): 1200,
        ("lake_segments", "text"): 1200,
        ("lake_quarantined_files", "empty"): 5,
        ("lake_waiting_files",): 4,
        ("lake_score", "text:en→image", "RR"): 0.5,
        ("run_embedded_contents", "e5-small"): 2,
        ("run_segments_per_second", "e5-small"): 39.0,
        ("run_device_busy_ratio", "e5-small"): 0.88,
        ("run_stage_seconds", "embed image"): 12.3,
    }
    assert {key: found.get(key) for key in told} == told
    assert found["run_ended_timestamp_seconds",] == OPEN.began + 2
    assert abs(found["run_success_timestamp_seconds",] - time.time()) < 60
    assert sorted(path.suffix for path in folder.iterdir()) == [".prom", ".prom"]


def test_a_failed_run_leaves_the_last_good_ones_figures(folder):
    """So an alert can ask how long ago that was."""
    metrics.keep(OPEN, Ending(2.0), INDEXED)
    before = read(folder)
    error = SourceError("the root photos is empty")
    metrics.keep(OPEN, Ending.by(error, OPEN), None)

    found = read(folder)
    assert found["run_exit_code",] == 5
    kept = ("run_success_timestamp_seconds",), ("lake_items",), ("lake_files", "image")
    assert {key: found[key] for key in kept} == {key: before[key] for key in kept}
    assert "photos" not in "".join(path.read_text("utf-8") for path in folder.iterdir())


def test_a_blocked_run_says_so(folder):
    """As a verdict, and as an exit code."""
    error = PublicationBlockedError("run-1", 2, "it fell", "report.html")
    metrics.keep(OPEN, Ending.by(error, OPEN), None)

    found = read(folder)
    assert (found["run_exit_code",], found["run_gate", "block"]) == (3, 1)
    assert found["run_gate", "pass"] == 0


def test_several_lakes_and_flows_have_files_of_their_own(folder):
    """One metric of one lake and flow is in one file: the collector refuses doubles."""
    for run in (
        OPEN,
        Run("maintain", "/srv/lake", "ab12", False),
        Run("maintain", "b", "b", True),
    ):
        metrics.keep(run, Ending(1.0), None)

    assert len(list(folder.iterdir())) == 3


def test_a_private_lake_is_a_hash(folder):
    """In the files and in their names."""
    metrics.keep(PRIVATE, Ending(2.0), INDEXED)

    texts = [path.name + path.read_text("utf-8") for path in folder.iterdir()]
    assert not any("/srv" in text or "anna" in text for text in texts)
    assert all('lake="mmindex.lake.ab12"' in text for text in texts)


def test_without_the_setting_nothing_is_written(tmp_path, monkeypatch):
    """The default."""
    monkeypatch.delenv(metrics.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    metrics.keep(OPEN, Ending(2.0), INDEXED)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_warning(tmp_path, monkeypatch, caplog):
    """No run fails of it."""
    monkeypatch.setenv(metrics.VARIABLE, str(tmp_path / "nowhere"))
    caplog.set_level(logging.WARNING, logger="flows")
    metrics.keep(OPEN, Ending(2.0), INDEXED)

    assert "no metrics are written" in caplog.text
