"""What is said at once: no Prefect server is started or asked for it."""

import json
from contextlib import contextmanager

import pytest

from storage.layout import Layout
from storage.published import current
from storage.schemas import Modality
from tests import crashes, media
from tests.commands import command_line


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A lake of two snapshots of a small folder, made by encoders that hash."""
    with monkeypatch.context() as patch:
        index = crashes.plain_index(patch)
        crashes.make_folder(tmp_path / "media")
        index(tmp_path / "media", tmp_path / "lake", fit={"min_pairs": 100})
        crashes.change_folder(tmp_path / "media")
        index(tmp_path / "media", tmp_path / "lake", fit={"min_pairs": 100})
    return tmp_path / "lake"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …` where neither a server nor a run of Prefect's can be."""

    @contextmanager
    def served(*_, **__):
        pytest.fail("a server was wanted")
        yield

    def recorded(*_, **__):
        pytest.fail("a run of Prefect's was begun")

    monkeypatch.setattr("flows.commands.running.orchestrated", served)
    monkeypatch.setattr("prefect.Task.__call__", recorded)
    monkeypatch.setattr("prefect.Flow.__call__", recorded)
    crashes.use_hash_encoders(monkeypatch.setattr, (Modality.TEXT, Modality.IMAGE), {})
    return command_line(monkeypatch, capsys)


def test_a_dry_run_of_index_needs_no_server(run, lake, tmp_path):
    """It reads and plans as a run does, and records nothing."""
    media.text(tmp_path / "media" / "new.txt", "A new one.")

    planned = run("index", tmp_path / "media", "--lake", lake, "--preset", "hash", "--dry-run")
    told = run("index", tmp_path / "media", "--lake", lake, "--dry-run", "--json")

    assert (planned.code, told.code) == (0, 0), (planned.err, told.err)
    assert "dry run" in planned.out
    assert json.loads(told.out)["new"]["hash-text"] == 1
    assert current(Layout(lake)) == 2


def test_a_dry_run_of_maintain_needs_no_server(run, lake):
    """It surveys the lake, and records nothing; what it would publish is not what stays."""
    planned = run("maintain", "--lake", lake, "--dry-run", "--dead-share", "0")

    assert planned.code == 0, planned.err
    said = [line.split() for line in planned.out.splitlines()]
    assert said[0][:4] == ["mmindex", "dry", "run:", "would"]
    assert ["stay", "snapshots", "1,", "2"] in said
    assert ["to", "come", "snapshot", "3"] in said


def test_a_root_that_is_not_named_is_told_before_a_server_is_there(run, lake, tmp_path):
    """Code 5, and how to name or drop it."""
    media.text(tmp_path / "other" / "new.txt", "A new one.")

    refused = run("index", tmp_path / "other", "--lake", lake)

    assert refused.code == 5
    assert "--drop media" in refused.err


def test_too_few_pairs_are_told_before_a_server_is_there(run, lake):
    """Code 2, and how many a training needs."""
    refused = run("train", "--lake", lake)

    assert refused.code == 2
    assert "training needs 100 of one medium" in refused.err
