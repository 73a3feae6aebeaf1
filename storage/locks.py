"""One writer a lake."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from storage.errors import CorruptLakeError, LakeLockedError
from storage.json_files import read_object
from storage.layout import Layout
from storage.leases import lease, say_waiting
from storage.places.atomic import make_folder, write_bytes
from storage.places.place import is_local

log = logging.getLogger(__name__)


@contextmanager
def writer_lock(layout: Layout, wait: float = 0) -> Iterator[None]:
    """Hold the lake for writing; waits ``wait`` seconds at most, then raises LakeLockedError.

    Locally the operating system holds the lock, so it ends with its holder, however that one
    ends. In an object store it is a lease, which a dead holder keeps for two minutes.
    """
    if not is_local(layout.root):
        with lease(layout, wait, _myself()):
            yield
        return
    make_folder(layout.root)
    lock = FileLock(layout.lock, thread_local=False)
    try:
        _acquire(lock, layout, wait)
    except Timeout as error:
        raise LakeLockedError(layout.root, _holder(layout)) from error
    try:
        with _noted(layout):
            yield
    finally:
        lock.release()


def _acquire(lock: FileLock, layout: Layout, wait: float) -> None:
    """Take the lock, and say for whom one waits, where one does; Timeout when it is too long."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise
        say_waiting(_holder(layout), wait)
        lock.acquire(timeout=wait)


@contextmanager
def _noted(layout: Layout) -> Iterator[None]:
    """Say who holds the lock; the note is for people, and a disk too full for it stops nobody."""
    try:
        write_bytes(_note(layout), json.dumps(_myself()).encode())
    except OSError as error:
        log.warning("%s: %s; others will not be told who holds the lake", _note(layout), error)
    try:
        yield
    finally:
        try:
            _note(layout).unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: %s; it is left behind", _note(layout), error)


def _note(layout: Layout) -> Path:
    """Who holds the lock; beside it, since a locked file cannot be read everywhere."""
    return layout.lock.with_name(f"{layout.lock.name}.json")


def noted(layout: Layout) -> dict[str, Any]:
    """What the holder of a lake noted of itself: ``pid``, ``host``, ``since``; empty: nobody.

    Of a lease also ``expires_at``. A local note may be left of one who was killed: the lock itself
    ended with that one.
    """
    path = _note(layout) if is_local(layout.root) else layout.lock
    try:
        return read_object(path) or {}
    except CorruptLakeError:  # it is being written, or was cut off
        return {}


def _myself() -> dict[str, str | int]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _holder(layout: Layout) -> str:
    """Who holds the lock, for people."""
    try:
        note = json.loads(_note(layout).read_bytes())
        return f"process {note['pid']} on {note['host']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # it has just begun, or just ended
