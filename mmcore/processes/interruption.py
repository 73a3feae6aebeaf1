"""Whether who waits for a piece of work was interrupted: then nobody finishes it.

Threads cannot be ended from outside. What takes long in one looks here now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from storage.schemas import MmindexError

_HEARD: Final[ContextVar[threading.Event | None]] = ContextVar("interruption", default=None)


class InterruptedWorkError(MmindexError):
    """The run was interrupted: what was under way is left, and done by the next one."""

    exit_code = 130


@contextmanager
def passed_on() -> Iterator[None]:
    """An interrupt of this block (no error) reaches ``check`` in threads that it gave its context.

    Outside of such a block ``check`` says nothing.
    """
    heard = threading.Event()
    token = _HEARD.set(heard)
    try:
        yield
    except Exception:
        raise
    except BaseException:
        heard.set()
        raise
    finally:
        _HEARD.reset(token)


def check() -> None:
    """Raise InterruptedWorkError once the block was interrupted that this thread works for."""
    heard = _HEARD.get()
    if heard is not None and heard.is_set():
        raise InterruptedWorkError("interrupted; the next run goes on")
