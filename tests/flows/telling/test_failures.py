"""What a run's log says of errors."""

import logging
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.telling.failures import LOGGERS, InALine, is_told_in_a_line, tell_in_a_line
from mmcore.errors import ConfigError
from storage.errors import CorruptLakeError, LakeLockedError


def logged(error, cause=None):
    """A line as Prefect writes it of what a flow raised."""
    record = logging.LogRecord(
        "x", logging.ERROR, "f", 1, "Encountered exception: %r", (error,), None
    )
    error.__cause__ = cause
    record.exc_info = (type(error), error, None)
    assert InALine().filter(record)
    return record


@pytest.mark.parametrize("cause", [None, TimeoutError("the lock"), ConfigError("no")])
def test_an_error_of_ours_is_a_line(cause):
    """Its kind and its words, whatever of ours or of the system led to it."""
    record = logged(LakeLockedError("lake", "night"), cause)

    assert record.getMessage().startswith("LakeLockedError: lake is being written by night")
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ZeroDivisionError(), None),
        (OSError("a disk"), None),
        (CorruptLakeError(Path("x"), "cut"), KeyError()),
    ],
    ids=["ours", "system", "caused"],
)
def test_what_may_be_a_fault_keeps_its_traceback(error, cause):
    """Also one that an error of ours hides."""
    record = logged(error, cause)

    assert record.getMessage().startswith("Encountered exception")
    assert record.exc_info[1] is error


@contextmanager
def cleaning_up():
    """What raises an error of ours at its end, however that came."""
    try:
        yield
    finally:
        raise LakeLockedError("lake", "night")


def test_what_cleans_up_after_a_fault_does_not_hide_it():
    """The fault's traceback is seen, though an error of ours was raised on top of it."""
    with pytest.raises(LakeLockedError) as raised, cleaning_up():
        {}["fault"]
    assert not is_told_in_a_line(raised.value)

    raised.value.__suppress_context__ = True  # as ``raise … from None`` has it
    assert is_told_in_a_line(raised.value)


def test_a_line_without_an_error_stays():
    """As nearly all are."""
    record = logging.LogRecord("x", logging.INFO, "f", 1, "Finished in %s", ("state",), None)

    assert InALine().filter(record)
    assert record.getMessage() == "Finished in state"


def test_it_is_told_once():
    """However many runs a process has."""
    for _ in range(2):
        tell_in_a_line()

    for name in LOGGERS:
        assert sum(isinstance(one, InALine) for one in logging.getLogger(name).filters) == 1
