"""How a program of ours ends where something is wrong: in a line, for who started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from flows.terminal.printing import lenient
from flows.terminal.wrapping import visible
from storage.schemas import MmindexError

CLOSED = 141  # as a shell tells of who wrote to a closed pipe
INTERRUPTED = 130
SAME_KEY = 0.3  # seconds within which a second SIGINT is the same key: a wrapper may pass it on
SHOW_CURSOR = b"\x1b[?25h\n"


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
def impatient(say: Callable[[], object]) -> Iterator[None]:
    """Within this block a second Ctrl-C ends the process at once, by exit code 130.

    ``say`` is called at the first, which raises KeyboardInterrupt as ever; from then on it holds
    until the process ends. Nothing is closed: what is kept lies in files that are whole, locks and
    child processes end with the process. Who hears SIGINT otherwise goes on doing so.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    first: list[float] = []

    def hear(_: int, __: FrameType | None) -> None:
        now = time.monotonic()
        if not first:
            first.append(now)
            say()
            raise KeyboardInterrupt
        if now - first[0] > SAME_KEY:
            _end_at_once()

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        if not first:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_at_once() -> None:
    """Whatever is under way; the cursor that bars have hidden is shown."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), SHOW_CURSOR)
    os.write(2, b"mmindex: ended at once; what was finished is kept, run it again to go on\n")
    os._exit(INTERRUPTED)


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
