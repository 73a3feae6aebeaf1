"""Changes of the disk at which a run dies, and what each such death leaves of a lake."""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from filelock import FileLock

if TYPE_CHECKING:
    import pytest


class Killed(BaseException):
    """The process is gone: nothing it would do on its way out reaches the disk."""


@dataclass(slots=True)
class Disk:
    """Counts what changes the disk below ``lake`` and dies at the change number ``at``."""

    lake: Path
    at: int
    count: int = 0
    dead: bool = False
    told: str = ""

    def changes(self, what: str, path: object) -> bool:
        """Count one change; whether it is the deadly one. Once dead, everything raises."""
        if self.dead:
            raise Killed(self.told)
        self.count += 1
        if self.count == self.at:
            self.dead, self.told = True, f"change {self.at}: {what} {path}"
        return self.dead

    def die(self, half: Path | None = None) -> None:
        """Raise Killed; of the file ``half``, the second half never reached the disk."""
        if half is not None:
            os.truncate(half, half.stat().st_size // 2)
        raise Killed(self.told)

    def below(self, path: object) -> bool:
        """Whether a path lies in the lake; one relative to an open folder does (of rmtree)."""
        return isinstance(path, str | os.PathLike) and (
            not Path(path).is_absolute() or Path(path).is_relative_to(self.lake)
        )


@dataclass(frozen=True, slots=True)
class Image:
    """A lake as a death at a change of the disk leaves it, and which change that is."""

    lake: Path
    told: str


@dataclass(slots=True)
class Camera(Disk):
    """Does not die, but keeps in ``album`` what a death at each change would leave."""

    album: Path = Path()
    images: list[Image] = field(default_factory=list)

    def changes(self, what: str, path: object) -> bool:
        """Count one change; each is one to die at."""
        self.count += 1
        self.told = f"change {self.count}: {what} {path}"
        return True

    def die(self, half: Path | None = None) -> None:
        """Keep the lake as it is now, but for the second half of the file ``half``."""
        image = Image(self.album / str(self.count), self.told)
        shutil.copytree(self.lake, image.lake)
        if half is not None:
            copy = image.lake / Path(half).relative_to(self.lake)
            os.truncate(copy, copy.stat().st_size // 2)
        self.images.append(image)


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, lake: Path, *, at: int) -> Iterator[Disk]:
    """Within this block the ``at``-th change of the disk below ``lake`` raises Killed.

    So does each later one: no clean-up of a killed process is seen, but its lock is free. Half of
    a Parquet file, and nothing of any other that was being written, is on disk.
    """
    disk, locks = Disk(lake, at), []

    def lock(*args: Any, **options: Any) -> FileLock:
        locks.append(FileLock(*args, **options))
        return locks[-1]

    with monkeypatch.context() as patch:
        _watch(patch, disk)
        patch.setattr("storage.locks.FileLock", lock)
        with suppress(Killed):
            yield disk
    for held in locks:
        held.release(force=True)


@contextmanager
def imaged(monkeypatch: pytest.MonkeyPatch, lake: Path, album: Path) -> Iterator[list[Image]]:
    """Within this block nothing dies, but what each death would leave of ``lake`` is kept.

    One run gives what a `dying` run for each change would; images are put back with `restore`.
    """
    camera = Camera(lake, at=0, album=album)
    with monkeypatch.context() as patch:
        _watch(patch, camera)
        yield camera.images


def restore(image: Image, lake: Path) -> None:
    """Put an image where the lake was, in place of what is there; it can be put back once."""
    shutil.rmtree(lake)
    image.lake.rename(lake)


def _watch(patch: pytest.MonkeyPatch, disk: Disk) -> None:
    """Tell ``disk`` of all that this process changes below its lake."""
    for name in ("replace", "rename", "unlink", "remove", "mkdir", "rmdir"):
        patch.setattr(os, name, _before(disk, name, getattr(os, name)))
    for module in (io, builtins):
        patch.setattr(module, "open", _opening(disk, io.open))
    patch.setattr(pq, "write_table", _half_written(disk, pq.write_table))
    patch.setattr(pq, "ParquetWriter", _half_ended(disk))


def _before(disk: Disk, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
    def changing(path: Any, *rest: Any, **options: Any) -> Any:
        if disk.below(path) and disk.changes(name, path):
            disk.die()
        return change(path, *rest, **options)

    return changing


def _opening(disk: Disk, opens: Callable[..., Any]) -> Callable[..., Any]:
    def opening(path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if not (set(mode) & set("wax+") and disk.below(path)):
            return opens(path, mode, *rest, **options)
        dead = disk.changes(f"open {mode}", path)
        opened = opens(path, mode, *rest, **options)
        try:
            if dead:
                disk.die()
        except Killed:
            opened.close()
            raise
        return opened

    return opening


def _half_written(disk: Disk, write: Callable[..., Any]) -> Callable[..., Any]:
    def writing(table: Any, path: Any, **options: Any) -> None:
        dead = disk.below(path) and disk.changes("write_table", path)
        write(table, path, **options)
        if dead:
            disk.die(half=Path(path))

    return writing


def _half_ended(disk: Disk) -> type[pq.ParquetWriter]:
    """A writer of Parquet that counts its end as one change, at which half of the file is lost."""

    class Writer(pq.ParquetWriter):  # type: ignore[misc]
        def __init__(self, path: Any, *rest: Any, **options: Any) -> None:
            super().__init__(path, *rest, **options)
            self.path = path

        def close(self) -> None:
            dead = self.is_open and disk.below(self.path) and disk.changes("close", self.path)
            super().close()
            if dead:
                disk.die(half=Path(self.path))

    return Writer
