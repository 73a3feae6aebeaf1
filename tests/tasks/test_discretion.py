import traceback
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import pytest
from prefect import Task

import tasks
from mmcore.errors import SourceError, UntoldError
from storage.errors import CorruptLakeError
from tasks.discretion import discreet
from tasks.policies import is_transient_error

SECRET = "beim-zahnarzt/anna.jpg"


@dataclass(frozen=True)
class Work:
    """As much of a workplace as counts here."""

    private: bool


@discreet
def failing(work, error):
    """Raise what it is given, as a consequence of something that names a file."""
    raise error from KeyError(SECRET)


def caught(error, *, private=True):
    """What comes of an error."""
    with pytest.raises(Exception) as info:  # noqa: PT011 - any
        failing(Work(private), error)
    return info.value


def test_an_error_of_a_private_run_names_no_file():
    """Neither its text nor its traceback, with all that led to it; its person is told."""
    error = caught(SourceError(f"{SECRET}: gone"))

    assert isinstance(error, UntoldError)
    assert (error.kind, error.told, error.exit_code) == ("SourceError", f"{SECRET}: gone", 5)
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in repr(error)


def test_elsewhere_errors_are_as_they_were():
    """A lake that is not private is told of in full, also in Prefect's log."""
    error = SourceError(f"{SECRET}: gone")

    assert caught(error, private=False) is error


def test_an_error_of_the_lakes_own_files_passes(tmp_path):
    """Its names are hashes, and the flow mends what such an error names."""
    error = CorruptLakeError(tmp_path / "part-0a.parquet", "is missing")

    assert caught(error) is error


@pytest.mark.parametrize(
    ("error", "again"),
    [(OSError(5, "I/O error", SECRET), True), (PermissionError(13, "denied", SECRET), False)],
)
def test_whether_to_try_again_stays_known(error, again):
    """Retries depend on the kind of the error that was hidden, not on the one that hides it."""
    found = caught(error)

    assert is_transient_error(found) is again
    assert found.told.endswith(SECRET)


def test_a_fault_of_ours_keeps_its_traceback_for_the_person():
    """What should never happen is told whole at the command line, and hidden from Prefect."""
    found = caught(ZeroDivisionError("by zero"))

    assert "Traceback" in found.told
    assert "Traceback" not in str(found)


def test_every_task_is_discreet():
    """A new task cannot forget it: each one's function is wrapped."""
    modules = [import_module(f"tasks.{found.name}") for found in iter_modules(tasks.__path__)]
    found = {
        task.name: task
        for module in modules
        for task in vars(module).values()
        if isinstance(task, Task)
    }

    assert len(found) > 10
    assert {name for name, task in found.items() if not hasattr(task.fn, "__wrapped__")} == set()
