"""List a local root by ``os.scandir``: one stat a file, no link followed out of the root."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mmcore.media.listing import LAKE, Entry, Rules


class LocalListing:
    """Lists the entries of a root that are neither junk nor left out.

    ``mounts`` names the mount points that the listing saw: the one that the root lies on, and
    those below it.
    """

    def __init__(self, root: str, rules: Rules, without: str | None) -> None:
        self.root, self.rules, self.without = root, rules, without
        self.mounts = [mount_point(root)]

    def below(self, folder: str = "", device: int | None = None) -> Iterator[Entry]:
        """Entries below a folder, as deep as it goes; ``device`` holds the folder above.

        Links to folders are not followed: what they show has a path of its own in the root, or
        lies outside of it. Links to files count when their target lies in the root.
        """
        place = Path(self.root, folder)
        here = place.stat().st_dev
        if device not in {None, here}:
            self.mounts.append(str(place))
        with os.scandir(place) as listing:
            entries = list(listing)
        if {entry.name for entry in entries} >= LAKE:
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if self.rules.left_out(entry.name, path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self.without:
                    yield from self.below(path, here)
            elif self._taken(entry, path):
                with suppress(FileNotFoundError):  # gone since it was listed: it is not there
                    yield self._found(entry, path)

    def _found(self, entry: os.DirEntry[str], path: str) -> Entry:
        status = entry.stat()
        regular = stat.S_ISREG(status.st_mode)
        manifest = self.rules.is_manifest(entry.name, entry.path)
        return Entry(path, entry.path, regular, status.st_size, status.st_mtime_ns, manifest)

    def _taken(self, entry: os.DirEntry[str], path: str) -> bool:
        return self.rules.wanted(entry.name, path) and (
            not entry.is_symlink() or _stays_inside(self.root, entry.path)
        )


def _stays_inside(root: str, link: str) -> bool:
    target = Path(os.path.realpath(link))
    return target.is_relative_to(root) and target.is_file()


def mount_point(folder: str) -> str:
    """The mount point that an absolute folder lies on."""
    place = folder
    while not os.path.ismount(place):
        above = str(Path(place).parent)
        if above == place:
            break
        place = above
    return place
