"""Where an index is made, on this machine, and how it comes from there into the lake."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.errors import CorruptLakeError, NothingFitsError
from storage.indexes.card import CARD, EVERY, IndexCard, read_card
from storage.layout import Layout
from storage.leases import still_held
from storage.places.atomic import make_folder, replacing, sync
from storage.places.place import children, is_local, remove


@contextmanager
def passing_bench(layout: Layout, name: str) -> Iterator[Path]:
    """An empty folder on this machine, where an index is made; it is removed at the end."""
    bench = layout.staging / f"index-{name}"
    shutil.rmtree(bench, ignore_errors=True)
    bench.mkdir(parents=True)
    try:
        yield bench
    finally:
        shutil.rmtree(bench, ignore_errors=True)


@contextmanager
def lasting_bench(layout: Layout, name: str, build: str) -> Iterator[Path]:
    """The folder on this machine where one build is made, which outlives a run that dies in it.

    So it does failures that may pass. What other builds of the index left is removed.
    """
    home = layout.builds / name
    for other in home.iterdir() if home.exists() else ():
        if other.name != build:
            shutil.rmtree(other)
    bench = home / build
    bench.mkdir(parents=True, exist_ok=True)
    for half in bench.rglob(".*.tmp"):  # a file that was being written
        half.unlink(missing_ok=True)
    try:
        yield bench
    except (NothingFitsError, CorruptLakeError):
        _remove(home)
        raise
    _remove(home)


def _remove(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    with suppress(OSError):  # another index is under way
        home.parent.rmdir()


def end_builds(layout: Layout) -> None:
    """Remove indexes under way that nobody went on with; only the holder of the lock may."""
    shutil.rmtree(layout.builds, ignore_errors=True)


def finished(bench: Path, folder: Path) -> IndexCard | None:
    """The card of a build that was finished, and perhaps half brought to ``folder``; else None.

    What is finished, and of which a file is in neither, is removed.
    """
    if not (bench / CARD).exists():
        return None
    card = read_card(bench / CARD)
    if all((bench / name).exists() or (folder / name).exists() for name in card.names):
        return card
    shutil.rmtree(bench)
    bench.mkdir()
    return None


def moved(made: Path, folder: Path, card: IndexCard, layout: Layout) -> Path:
    """Bring the files of a finished build to where the lake has them, the card last.

    Those that a run which died has moved are there. What else one left is removed: where a file is
    put only once, it would stand in the place of ours. Raises LakeLockedError where another writer
    took the lake over, whose files they may be.
    """
    there = {name for name in card.names if not (made / name).exists()}
    left = [name for name in children(folder) if name in EVERY and name not in there]
    if left:
        still_held(layout)
        remove([folder / name for name in left])
    for name in card.names:
        source, target = made / name, folder / name
        if not source.exists():
            continue
        if is_local(folder):
            make_folder(folder)
            source.replace(target)
            sync(folder)
        else:
            with replacing(target, final=True) as temporary:
                shutil.copyfile(source, temporary)
    return folder
