"""A file appears whole or not at all, in a folder and in an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from storage.places import cache
from storage.places.place import is_local, schemes, store_of
from storage.places.stores import BUCKETS


@contextmanager
def replacing(path: Path, *, final: bool = False) -> Iterator[Path]:
    """Yield a local temporary to write; it becomes ``path`` when the block ends without error.

    Locally it is a sibling, and file, rename and new folders are flushed to disk. Remotely it is
    put as one object; a ``final`` one only where there is none, so that of two writers that lost
    sight of each other none changes what the other's manifest names. On an error it is removed and
    what stood at ``path`` before still stands.
    """
    if not is_local(path):
        with cache.scratch() as temporary:
            yield temporary
            store, key = store_of(path)
            once = {"mode": "create"} if final and schemes(path) & BUCKETS else {}
            with suppress(FileExistsError):
                store.put_file(str(temporary), key, **once)
        return
    make_folder(path.parent)
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            _told(error, path, temporary)
        raise
    sync(path.parent)


def _told(error: OSError, path: Path, temporary: Path) -> None:
    """Let an error name ``path``: a write that found no room names none, others the temporary.

    A folder that lies where the file is to be put is such an error.
    """
    if error.filename in (None, str(temporary)):
        error.filename = str(path)
        del error.filename2  # else it is shown as a second name
    if isinstance(error, IsADirectoryError):
        error.strerror = "a folder lies where this file belongs, move it away"


def write_bytes(path: Path, data: bytes, *, final: bool = False) -> None:
    """Put ``data`` at ``path``, whole or not at all, as ``replacing`` does."""
    if not is_local(path):
        store, key = store_of(path)
        once = {"mode": "create"} if final and schemes(path) & BUCKETS else {}
        with suppress(FileExistsError):
            store.pipe_file(key, data, **once)
        return
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def make_folder(folder: Path) -> None:
    """Make ``folder`` and the missing ones above it, each flushed to disk; remotely none is."""
    if is_local(folder) and not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk; what a store has taken is there."""
    if not is_local(path):
        return
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder, and its renames are journalled
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
