"""Checks run apart: whatever one of them does, the others are made, and an answer comes."""

import os
import time

import psutil

from flows.commands.doctor import run, worker
from flows.commands.doctor.asked import Asked
from flows.commands.doctor.worker import OF_LAKE, PLAIN, checked

HERE = "tests.flows.commands.doctor.hanging"


def examined(*groups, limit=60.0, lake=None):
    """What checks of these names come to, and the time it took."""
    began = time.monotonic()
    named = {str(number): checks for number, checks in enumerate(groups)}
    found = list(run.examined(Asked(lake=lake), named, limit))
    return [(one.group, one.found) for one in found], time.monotonic() - began


def test_a_check_that_hangs_is_ended_and_the_next_one_is_made():
    """The limit is that of one check; what hung is a failure that says for how long."""
    found, took = examined((f"{HERE}:sleeps", f"{HERE}:answers"), (f"{HERE}:answers",), limit=5)

    assert [one.said for _, one in found] == ["timed-out", "python", "python"]
    assert found[0][1].state == "fail"
    assert found[0][1].facts == {"subject": f"{HERE}:sleeps", "seconds": 5}
    assert [group for group, _ in found] == ["0", "0", "1"]  # in order, whichever is done first
    assert took < 60  # and not the ten minutes that it would sleep


def test_a_check_whose_process_dies_costs_no_other():
    """A signal of the system's is named; another process goes on."""
    found, _ = examined((f"{HERE}:dies", f"{HERE}:answers"))

    assert [(one.said, one.state) for _, one in found] == [("died", "fail"), ("python", "ok")]
    assert found[0][1].facts["how"] == "SIGKILL"


def test_what_a_check_raises_is_told_in_one_line():
    """A library that does not load is a finding, not a traceback."""
    (one,) = checked(f"{HERE}:raises", Asked())

    assert (one.state, one.said) == ("fail", "unloadable")
    assert one.facts["error"].startswith("ImportError: libnothing.so")


def test_no_process_is_left():
    """Who stops looking in the middle leaves no worker behind."""
    before = set(psutil.Process().children())
    looking = run.examined(Asked(), {"a": (f"{HERE}:answers",), "b": (f"{HERE}:sleeps",)})
    next(looking)
    started = set(psutil.Process().children()) - before
    looking.close()

    _, alive = psutil.wait_procs(started, timeout=10)
    assert started
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_lake_that_cannot_be_reached_is_asked_once(tmp_path):
    """The rest would say the same, and take as long."""
    found, _ = examined(tuple(OF_LAKE), lake=str(tmp_path / "gone"))

    assert [one.said for _, one in found] == ["lake-missing"]


def test_without_a_lake_none_is_looked_at():
    """Its checks are left out, and so is its heading."""
    found, _ = examined(tuple(OF_LAKE), (f"{HERE}:answers",))

    assert [group for group, _ in found] == ["1"]


def test_every_check_belongs_to_a_group():
    """None is declared and never made."""
    grouped = [check for checks in run.GROUPS.values() for check in checks]

    assert sorted(grouped) == sorted({*PLAIN, *OF_LAKE, "weights"})


def test_a_lake_that_hangs_does_not_hide_the_weights(tmp_path, monkeypatch):
    """Its preset is not known then: the usual one's are looked at."""
    (tmp_path / "snapshots").mkdir()
    os.mkfifo(tmp_path / "CURRENT")
    monkeypatch.setattr(worker, "_PATIENCE", 0.1)

    (one,) = checked("weights", Asked(lake=str(tmp_path)))

    assert (one.said, one.facts["preset"]) == ("weights", "embedded")
