from __future__ import annotations

import json
import time

import pytest

from mmcore.errors import ConfigError
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
