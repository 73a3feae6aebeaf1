from __future__ import annotations

import logging
import threading

import pytest
from filelock import FileLock

from mmcore.embedding import turns
from mmcore.embedding.turns import turn_on


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The file that stands for each GPU."""
    monkeypatch.setattr(turns, "lock_path", lambda device: tmp_path / f"{device[-1]}.lock")
    return tmp_path


def test_a_gpu_is_one_runs_at_a_time(place, caplog):
    """Who comes second waits, and says so, until the other process lets it go."""
    other, entered = FileLock(place / "0.lock"), threading.Event()

    def enter():
        with turn_on("cuda:0"):
            entered.set()

    with caplog.at_level(logging.INFO, logger=turns.__name__):
        with other:
            thread = threading.Thread(target=enter)
            thread.start()
            assert not entered.wait(0.2)
        thread.join(10)

    assert entered.is_set()
    assert "cuda:0 is at work for another run" in caplog.text


def test_another_gpu_is_not_waited_for(place):
    """Each has its own lock, and gives it back, also after an error."""
    with pytest.raises(ZeroDivisionError), FileLock(place / "0.lock"), turn_on("cuda:1"):
        raise ZeroDivisionError

    with FileLock(place / "1.lock", blocking=False):
        pass


def test_the_cpu_is_not_locked(place):
    """Runs share it as the system does."""
    with turn_on("cpu"), turn_on("cpu"):
        assert not list(place.iterdir())


def test_a_lock_of_another_user_is_said(place, monkeypatch, caplog):
    """Where it cannot be had, the run goes on, and says what that means."""

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refused)
    with turn_on("cuda:0"):
        pass

    assert "another run may use cuda:0 too" in caplog.text
