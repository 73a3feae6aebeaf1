"""How a program of ours ends where something is wrong: in a line, for who started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from flows.terminal.printing import lenient
from flows.terminal.wrapping import visible
from storage.schemas import MmindexError

CLOSED = 141  # as a shell tells of who wrote to a closed pipe


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """An error of ours becomes one line and its exit code; a closed pipe (``| head``) is none."""
    lenient()
    try:
        yield
        sys.stdout.flush()
    except MmindexError as error:
        sys.stderr.write(f"{visible(str(error))}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED)


class Sigterm:
    """SIGTERM ends a program in order, as Ctrl-C does; then the process ends by that signal.

    So it says what was kept, and a supervisor or a shell (143) sees what ended it. A second one
    ends it at once. A program that ignores SIGTERM, or hears it itself, goes on doing so.
    """

    def __init__(self) -> None:
        self.heard = False

    @contextmanager
    def as_interrupt(self) -> Iterator[None]:
        """Within this block SIGTERM raises KeyboardInterrupt."""
        ours = threading.current_thread() is threading.main_thread()
        if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            yield
            return
        signal.signal(signal.SIGTERM, self._hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _hear(self, _: int, __: FrameType | None) -> None:
        self.heard = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise KeyboardInterrupt

    def pass_on(self) -> None:
        """End this process by SIGTERM if it was heard."""
        if self.heard:
            sys.stdout.flush()
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def told_to_end(wake: Callable[[], object] = lambda: None) -> Iterator[threading.Event]:
    """Within this block SIGINT and SIGTERM set the event, also where SIGINT was ignored.

    ``wake`` is called too: for who waits for something else.
    """
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()
        wake()

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, end) for kind in kinds}
    try:
        yield ending
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
