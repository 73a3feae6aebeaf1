"""Tests of mmcore/decoding/pool.py: a worker that ended for want of work is no failure."""

import signal

import pytest

from mmcore.decoding.pool import Pool
from mmcore.processes.process import IDLE_CODE, Ended, Process


@pytest.fixture
def pool(monkeypatch):
    """A pool of one worker that answers what it is asked."""
    monkeypatch.setenv("MMINDEX_TEST_SAYS", "")
    made = Pool(1, "tests.mmcore.processes.echo")
    yield made
    made.close()


def ends_before(monkeypatch, code):
    """Let the next worker that is asked end just before the job reaches it."""
    ask = Process.ask

    def late(self, job):
        monkeypatch.setattr(Process, "ask", ask)
        self._popen.stdin.close()
        self._popen.wait()
        self._popen.returncode = code

    monkeypatch.setattr(Process, "ask", late)


def test_a_job_gets_the_first_answer_of_a_worker(pool):
    """And the worker, which may say more."""
    with pool.asked({"n": 1}, 20) as (worker, first):
        assert first["finished"] == {"n": 1}
        assert worker.alive


def test_a_worker_that_ended_for_want_of_work_is_replaced(pool, monkeypatch):
    """Between two looks at it: whoever asked learns nothing of that."""
    with pool.asked({"n": 1}, 20) as (worker, _):
        number = worker.number
    ends_before(monkeypatch, IDLE_CODE)
    with pool.asked({"n": 2}, 20) as (worker, first):
        assert first["finished"] == {"n": 2}
        assert worker.number != number


def test_any_other_end_is_told(pool, monkeypatch):
    """What the job may be to blame for is for who asked to say."""
    ends_before(monkeypatch, -signal.SIGSEGV)
    with pool.asked({"n": 1}, 20) as (_, first):
        assert first == Ended(-signal.SIGSEGV)
