from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from mmcore.errors import (
    ConfigError,
    DeviceMemoryError,
    EmbeddingError,
    UnknownPluginError,
    UnsafeWeightsError,
)
from mmcore.processes.cores import cores
from mmcore.processes.process import Ended, Process, name_of, threads
from mmcore.processes.telling import WorkerError, encoder_from, failure_from, told_failure
from storage.schemas import Modality
from tests.fakes import HashEncoder

ECHO = "tests.mmcore.processes.echo"


@pytest.fixture
def process():
    """A worker that answers what it is asked."""
    process = Process(ECHO, {**threads(3), "MMINDEX_TEST_SAYS": "yes"})
    yield process
    process.kill()


def test_a_worker_answers_job_after_job(process):
    """It has the variables that it was given, and what it prints is no answer."""
    for number in range(2):
        process.ask({"number": number})
        answer = process.hear()

        assert answer == {
            "finished": {"number": number},
            "threads": "3",
            "says": "yes",
        }


def test_a_worker_ends_when_its_input_does(process):
    """Nobody has to kill it."""
    process.dismiss()

    assert process.hear(time.monotonic() + 60) == Ended(0)


@pytest.mark.parametrize("wait", [0.0, 60.0])
def test_a_worker_is_ended_by_force_after_a_while(process, wait):
    """One that hangs has no longer than it is given; one that is idle needs no force."""
    if not wait:
        process.ask({"sleep": 600})
    started = time.monotonic()
    process.end(started + wait)

    assert not process.alive
    assert time.monotonic() - started < 30
    assert process.hear() == Ended(0 if wait else -9)


def test_impatience_ends_a_worker_at_once(process, monkeypatch):
    """Ctrl-C while it is waited for leaves no process."""
    process.ask({"sleep": 600})
    waits = process._popen.wait
    impatient = iter([KeyboardInterrupt])

    def wait(timeout=None):
        for error in impatient:
            raise error
        return waits(timeout)

    monkeypatch.setattr(process._popen, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        process.end(time.monotonic() + 60)

    assert not process.alive


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    """A container has fewer than its machine; where the system does not say, it is all."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64


@pytest.mark.parametrize(
    "error",
    [
        DeviceMemoryError("a model", "cuda:1"),
        UnknownPluginError("encoder", "x", ["b", "a"]),
        EmbeddingError("cuda:0", "e5", "SIGKILL", "last words"),
    ],
)
def test_an_error_of_ours_keeps_its_attributes(error):
    """Who catches it reads them, wherever it was raised."""
    told = json.loads(json.dumps(told_failure(raised(error))))
    found = failure_from(told, "a test")

    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))


def test_an_attribute_that_is_not_simple_is_left_behind():
    """A path is told by its name; an object of a process is not told."""
    error = UnsafeWeightsError(Path("/there"), "why")
    error.handle = object()
    found = failure_from(json.loads(json.dumps(told_failure(error))), "a test")

    assert vars(found) == {"path": "/there", "why": "why"}


@pytest.mark.parametrize(
    ("code", "name"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (3, "exit code 3"), (-99, "signal 99")]
)
def test_ends_have_the_names_that_people_know(code, name):
    """A signal's own, or the exit code."""
    assert name_of(code) == name


def raised(error):
    """``error``, as it was raised."""
    try:
        raise error
    except type(error) as found:
        return found


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ConfigError("cannot be"), ConfigError, "^cannot be$"),
        (OSError(28, "No space left", "/there"), OSError, "No space left.*/there"),
        (ZeroDivisionError("by zero"), WorkerError, r"(?s)^in a test:\n.*ZeroDivisionError: by"),
    ],
)
def test_a_failure_is_told_and_restored(error, kind, said):
    """Through JSON: ours as its own kind, any other with its traceback."""
    told = json.loads(json.dumps(told_failure(raised(error))))

    with pytest.raises(kind, match=said):
        raise failure_from(told, "a test")


def test_an_encoder_is_told_and_restored():
    """Its key is the same."""
    from dataclasses import asdict

    key = HashEncoder(Modality.VIDEO).key

    assert encoder_from(json.loads(json.dumps(asdict(key)))) == key
