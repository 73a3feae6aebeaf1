"""Freed memory goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Let the C library return what was freed; where it does so by itself, or cannot, nothing.

    glibc keeps what many threads freed, so that a run holds hundreds of megabytes that nobody
    uses. A call takes milliseconds: it belongs after a shard or a stage.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
