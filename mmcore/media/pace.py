"""How fast sources may be read, by all processes of one user on this machine together.

A timetable in a file says when the next read may begin; whoever reads moves it on by what that
takes at its own limit (a virtual schedule, as in the Generic Cell Rate Algorithm, ITU-T I.371).
"""

from __future__ import annotations

import os
import struct
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from mmcore.specs import RuntimeSpec
from mmcore.types import Content

NAME: Final = "mmindex-reading"
AHEAD: Final = 6 * 3600.0
"""Seconds that the timetable may be ahead of the clock; one further ahead is of another time."""

STEP: Final = 0.25
"""Seconds of a wait after which it is said that it still goes on: no limit of silence is less."""

_FLAGS: Final = (
    os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
)
_TIME: Final = struct.Struct("<d")


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many bytes and files a second; None: as fast as it goes."""

    bytes_per_second: float | None = None
    files_per_second: float | None = None

    @classmethod
    def of(cls, runtime: RuntimeSpec) -> Pace:
        """As a run was told."""
        return cls(runtime.read_mb and runtime.read_mb * 1e6, runtime.read_files)

    def wait_for(
        self, content: Content, folder: Path, still: Callable[[], None] = _nothing
    ) -> None:
        """Wait until a content may be decoded; a copy below ``folder`` was read already."""
        if not (self.free or content.text is not None or is_below(content.location, folder)):
            self.wait(content.size, still=still)

    @property
    def free(self) -> bool:
        """Whether nothing is limited."""
        return self.bytes_per_second is None and self.files_per_second is None

    def wait(self, size: int, files: int = 1, still: Callable[[], None] = _nothing) -> None:
        """Wait until ``size`` bytes of ``files`` files may be read; ``still`` is called meanwhile.

        They are read at once then, and those after them wait for it: over time the limits hold.
        """
        if self.free:
            return
        until = _booked(self.seconds(size, files))
        while (left := until - time.time()) > 0:
            time.sleep(min(left, STEP))
            still()

    def seconds(self, size: int, files: int = 1) -> float:
        """What so much takes at these limits: the slower one counts."""
        by_bytes = size / self.bytes_per_second if self.bytes_per_second else 0.0
        by_files = files / self.files_per_second if self.files_per_second else 0.0
        return max(by_bytes, by_files)


FREE: Final = Pace()


def is_below(location: str, folder: Path) -> bool:
    """Whether a place of this machine lies below a folder."""
    return location.startswith(f"{folder}{os.sep}")


def timetable() -> Path:
    """The file that all processes of this user read and write."""
    who = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"{NAME}-{who}"


def _booked(seconds: float) -> float:
    """The time at which this read may begin; the next one may ``seconds`` later."""
    place = timetable()
    with FileLock(place.with_name(f"{place.name}.lock"), thread_local=False):
        now = time.time()
        told = _read(place)
        begins = told if now < told < now + AHEAD else now
        _write(place, begins + min(seconds, AHEAD))
    return begins


def _read(place: Path) -> float:
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        return 0.0
    return float(_TIME.unpack(data)[0]) if len(data) == _TIME.size else 0.0


def _write(place: Path, until: float) -> None:
    """Eight bytes at once; a reader holds the lock, and half of them are taken for none."""
    number = os.open(place, _FLAGS, 0o600)
    try:
        os.write(number, _TIME.pack(until))
    finally:
        os.close(number)
