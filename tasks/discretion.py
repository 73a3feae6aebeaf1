"""What an error of a private run may say: its message stays out of Prefect's states and logs."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from mmcore.errors import UntoldError
from storage.errors import CandidateOutdatedError, CorruptLakeError, LakeLockedError
from storage.schemas import MmindexError
from tasks.policies import is_transient_error

OF_THE_LAKE = (CorruptLakeError, CandidateOutdatedError, LakeLockedError)
"""They speak of the lake's own files, whose names are hashes, and callers tell them apart."""

P = ParamSpec("P")
R = TypeVar("R")


def discreet(function: Callable[P, R]) -> Callable[P, R]:
    """Make any error of ``function`` an UntoldError where an argument is ``private``.

    For tasks and flows, below Prefect's decorator: Prefect puts an error's message into the state
    of the run, and its traceback, with all errors that led to it, into the log.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UntoldError:
            raise
        except Exception as error:
            if isinstance(error, OF_THE_LAKE) or not _private([*args, *kwargs.values()]):
                raise
            told = UntoldError(
                type(error).__name__,
                said(error),
                exit_code=getattr(error, "exit_code", 1),
                transient=is_transient_error(error),
            )
        raise told from None  # outside of the handler: else the error would be its context

    return called


def said(error: Exception) -> str:
    """All that a person needs of ``error``; of one that should not be, its traceback."""
    if isinstance(error, MmindexError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return "".join(traceback.format_exception(error)).rstrip()


def _private(arguments: Iterable[object]) -> bool:
    return any(getattr(argument, "private", False) is True for argument in arguments)
