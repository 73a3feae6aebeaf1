import errno

import pytest
from prefect import flow, task
from prefect.states import Failed

from mmcore.errors import ConfigError, SourceError, UnreachableError
from storage.errors import NoLakeError
from tasks.policies import POLICY, is_transient_error, unwalked


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "i/o"),
        ConnectionResetError(),
        TimeoutError(),
        UnreachableError("s3://bucket"),
    ],
)
def test_what_may_pass_is_tried_again(error):
    """A read error or a lost connection may be gone a moment later."""
    assert is_transient_error(error)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(),
        PermissionError(),
        OSError(errno.ENOSPC, "full"),
        OSError(errno.EROFS, "read-only"),
        NoLakeError("lake"),
        ConfigError("no"),
        SourceError("gone"),
        ValueError(),
        None,
    ],
)
def test_what_stays_is_not_tried_again(error):
    """A full disk, a missing file, a wrong setting or a fault of ours fails at once."""
    assert not is_transient_error(error)


def test_an_argument_that_is_not_walked_reaches_the_task_as_it_is(prefect_server):
    """Prefect looks into arguments for states and futures, each of 200,000 files; not into these.

    A failed state inside would otherwise fail the task, and a result is never looked into.
    """
    given = ((Failed(message="deep inside"),),)

    @task(**POLICY)
    def same(value):
        return value

    @flow
    def run():
        return same(unwalked(given)) is given

    assert run()
