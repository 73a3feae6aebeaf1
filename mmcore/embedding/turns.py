"""One model at a time on a GPU, among all processes of the machine: a lock on a file."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

_ALL_MAY: Final = 0o666  # runs of several users share a machine's GPUs


@contextmanager
def turn_on(device: str) -> Iterator[None]:
    """Within this block no other process runs a model of ours on ``device``, if it is a GPU.

    Two models at once on one GPU take twice the memory and are no faster. Other devices have no
    such lock: a system shares its CPU well.
    """
    if not device.startswith("cuda"):
        yield
        return
    lock = FileLock(lock_path(device), mode=_ALL_MAY)
    try:
        _acquire(lock, device)
    except PermissionError:  # another user's file, in a folder that protects it
        log.warning("%s cannot be locked: another run may use %s too", lock.lock_file, device)
    try:
        yield
    finally:
        lock.release()


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
