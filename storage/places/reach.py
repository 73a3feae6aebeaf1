"""All that can be reached from a folder, through links too: what an erasure has to look at."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.places.place import is_local, listing

LOST: Final = "a link to nothing"


@dataclass(frozen=True, slots=True)
class Reach:
    """Files by their names below a folder, and what could not be looked into."""

    files: tuple[str, ...]  # sorted
    linked: frozenset[str]  # those of them that a link leads to
    trouble: dict[str, str] = field(default_factory=dict)  # name → why


def reach(folder: Path) -> Reach:
    """Follow ``folder``, itself a link perhaps, to the last file; a loop is entered once.

    What a name leads to is told by that name. Files of no bytes of their own (pipes, sockets) are
    left out. Nothing is reached where there is no such folder.
    """
    if not is_local(folder):  # a store has no links
        return Reach(tuple(sorted(listing(folder))), frozenset())
    walk = _Walk(folder)
    if folder.exists() or folder.is_symlink():
        walk.enter(folder, (), linked=False)
    return Reach(tuple(sorted(walk.files)), frozenset(walk.linked), walk.trouble)


class _Walk:
    def __init__(self, top: Path) -> None:
        self._top = top
        self.files: list[str] = []
        self.linked: set[str] = set()
        self.trouble: dict[str, str] = {}

    def enter(self, folder: Path, above: tuple[tuple[int, int], ...], *, linked: bool) -> None:
        """Go through ``folder``; ``above`` are the folders that one came through."""
        try:
            like = folder.stat()
            inside = sorted(folder.iterdir())
        except OSError as error:
            self._troubled(folder, error)
            return
        me = (like.st_dev, like.st_ino)
        if me in above:
            return
        for path in inside:
            try:
                through = linked or path.is_symlink()
                mode = path.stat().st_mode
            except OSError as error:
                self._troubled(path, error)
                continue
            if stat.S_ISDIR(mode):
                self.enter(path, (*above, me), linked=through)
            elif stat.S_ISREG(mode):
                told = path.relative_to(self._top).as_posix()
                self.files.append(told)
                self.linked |= {told} if through else set()

    def _troubled(self, path: Path, error: OSError) -> None:
        """A file that another process removed meanwhile is none."""
        if not os.path.lexists(path):
            return
        lost = isinstance(error, FileNotFoundError)
        self.trouble[path.relative_to(self._top).as_posix()] = (
            LOST if lost else f"cannot be read ({error.strerror or error})"
        )
