"""The only place with retries and cache policy of tasks, and with how arguments reach them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import httpx
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.utilities.annotations import opaque

from mmcore.errors import UnreachableError, UntoldError
from storage.places.stores import is_store_error
from storage.schemas import MmindexError

P = ParamSpec("P")
T = TypeVar("T")

PERMANENT: Final = (
    MmindexError,  # says itself what to do
    FileNotFoundError,
    PermissionError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
)
NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
SERVER_ERRORS: Final = 500


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether another try may help a failed task run; Prefect's ``retry_condition_fn``."""
    return is_transient_error(state.result(raise_on_failure=False))


def is_transient_error(error: object) -> bool:
    """Whether ``error`` may pass by itself: of the file system, the network or Prefect's API."""
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= SERVER_ERRORS
    if isinstance(error, UntoldError):
        return error.transient
    if isinstance(error, UnreachableError):
        return True
    if isinstance(error, OSError):
        return not isinstance(error, PERMANENT) and error.errno not in NO_ROOM
    said = isinstance(error, BaseException) and is_store_error(error)
    return said or isinstance(error, httpx.TransportError)


POLICY: Final[dict[str, Any]] = {
    "retries": 2,
    "retry_delay_seconds": [2, 10],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
    "cache_policy": NO_CACHE,  # the files are the cache
    "persist_result": False,
}


def unwalked(value: T) -> T:
    """``value`` as an argument of a task call that Prefect does not search for futures.

    The task gets the value itself. Walking through 200,000 files takes Prefect half a minute. Not
    for what is submitted to a task runner: Dask takes the wrapper for a tuple.
    """
    return cast(T, opaque(value))


def called(one: Callable[P, T], *, plainly: bool) -> Callable[P, T]:
    """A task as a flow calls it, or ``plainly``: its function alone, with its own arguments.

    Then nothing is recorded, nothing tried again, and no Prefect server is needed.
    """
    if not plainly:
        return one
    function: Callable[..., T] = getattr(one, "fn", one)

    def call(*arguments: P.args, **named: P.kwargs) -> T:
        return function(*map(_as_it_is, arguments), **named)

    return call


def _as_it_is(argument: object) -> object:
    return argument.unwrap() if isinstance(argument, opaque) else argument
