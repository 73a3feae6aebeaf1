"""What passes between the workers of a run: folders of files, shared, or copied through a store.

A run's folder lies below the lake's own ``staging``, or where the user wants it; then a note in
the lake says so, for whoever has to empty it after a run that was killed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from storage.errors import PlaceError
from storage.layout import Layout
from storage.places import cache
from storage.places.atomic import write_bytes
from storage.places.place import is_local, listing, place_of, read_now, remove, store_of
from storage.schemas import digest

NOTE: Final = "ELSEWHERE"
_SHARDS: Final = "shards"
_LEFT: Final = 7 * 86_400.0  # seconds after which nobody works in a folder of this machine


def begin(layout: Layout, chosen: str | None) -> Path:
    """The folder of a run's decoded shards that all workers reach; empty, or not yet there.

    ``chosen``: a folder or URL, in which each lake has a folder of its own; None: below the lake.
    Only the holder of the lake's lock may.
    """
    if chosen is None:
        return _beside(layout) / _SHARDS
    home = place_of(chosen) / f"mmindex-{digest(str(layout.root))}"
    write_bytes(_beside(layout) / NOTE, str(home).encode())
    drop(home)
    return home


def end(layout: Layout) -> None:
    """Remove all that runs left in their folders, wherever they lay; the lake's lock is held.

    Raises PlaceError where such a folder cannot be reached, since texts may lie in it.
    """
    beside = _beside(layout)
    note = beside / NOTE
    if is_local(beside):
        elsewhere = note.read_text("utf-8") if note.is_file() else ""
    else:
        elsewhere = read_now(note).decode() if NOTE in listing(beside) else ""
    if elsewhere:
        _empty_elsewhere(elsewhere, note)
    drop(beside / _SHARDS)


def _empty_elsewhere(url: str, note: Path) -> None:
    home = place_of(url)
    if is_local(home) and not home.parent.is_dir():
        why = (
            f"is not there, and decoded shards of a run may lie in it: mount it, or remove {note}"
        )
        raise PlaceError(url, why)
    drop(home)
    remove([note])


def _beside(layout: Layout) -> Path:
    """In the lake itself, also where its ``staging`` is a folder of this machine."""
    return layout.root / "staging"


def put(folder: Path, place: Path) -> None:
    """Copy the files of a local ``folder`` to a store."""
    for name in listing(folder):
        store, key = store_of(place / name)
        store.put_file(str(folder / name), key)


@contextmanager
def here(place: Path) -> Iterator[Path]:
    """A local folder with the files of ``place``: itself, or copies that are removed again."""
    if is_local(place):
        yield place
        return
    with scratch() as folder:
        for name in listing(place):
            store, key = store_of(place / name)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            store.get_file(key, str(folder / name))
        yield folder


def drop(place: Path) -> None:
    """Remove a folder with all that lies in it; none is fine."""
    if is_local(place):
        shutil.rmtree(place, ignore_errors=not place.exists())
        return
    remove([place / name for name in listing(place)])


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder on this machine, removed at the end; so is what killed workers left."""
    above = cache.folder() / "workers"
    above.mkdir(parents=True, exist_ok=True)
    for old in above.iterdir():
        if old.stat().st_mtime < time.time() - _LEFT:
            shutil.rmtree(old, ignore_errors=True)
    folder = above / uuid4().hex
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
