"""One run at a time on a GPU, among all processes of the machine: a lock on a file."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

_ALL_MAY: Final = 0o666  # runs of several users share a machine's GPUs

LONGEST: Final = 10.0
"""Seconds after which a turn takes no further shard."""

PAUSE: Final = 0.1
"""Seconds between two turns of a process: those who wait look twice meanwhile (FileLock)."""


@contextmanager
def turn_on(device: str) -> Iterator[None]:
    """Within this block no other process runs a model of ours on ``device``, if it is a GPU.

    Two models at once on one GPU take twice the memory and are no faster. Threads of this process
    share a turn. Other devices have no such lock: a system shares its CPU well.
    """
    if not device.startswith("cuda"):
        yield
        return
    path = lock_path(device)
    with _finding:
        turn = _turns.setdefault(path, _Turn(path))
    turn.enter(device)
    try:
        yield
    finally:
        turn.leave()


class _Turn:
    """The lock of one GPU, held while any thread of this process is on it."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, mode=_ALL_MAY, thread_local=False)
        self._changed = threading.Condition()
        self._inside = 0
        self._until = 0.0  # of time.monotonic

    def enter(self, device: str) -> None:
        """Join the turn, or wait for another."""
        with self._changed:
            over = self._is_over()
            while self._is_over():
                self._changed.wait()
            if not self._inside:
                if over:
                    time.sleep(PAUSE)
                self._take(device)
            self._inside += 1

    def leave(self) -> None:
        """The last one ends the turn."""
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._lock.release()
                self._changed.notify_all()

    def _is_over(self) -> bool:
        return self._inside > 0 and time.monotonic() > self._until

    def _take(self, device: str) -> None:
        try:
            _acquire(self._lock, device)
        except PermissionError:  # another user's file, in a folder that protects it
            log.warning(
                "%s cannot be locked: another run may use %s too", self._lock.lock_file, device
            )
        self._until = time.monotonic() + LONGEST


_finding: Final = threading.Lock()
_turns: Final[dict[Path, _Turn]] = {}


def _acquire(lock: FileLock, device: str) -> None:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info("%s is at work for another run: waiting for it", device)
        lock.acquire()


def lock_path(device: str) -> Path:
    """The file that stands for a GPU, by what all processes call it."""
    import torch  # noqa: PLC0415 - whoever has a GPU has loaded it

    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    name = str(uuid or device.replace(":", "-"))
    return Path(tempfile.gettempdir()) / f"mmindex-gpu-{name}.lock"
