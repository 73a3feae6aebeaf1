"""List a local root by ``os.scandir``: one stat a file, no link followed out of the root."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from operator import attrgetter
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

    def below(self) -> list[Entry]:
        """All entries below the root, those of a folder by name.

        Links to folders are not followed: what they show has a path of its own in the root, or
        lies outside of it. Links to files count when their target lies in the root.
        """
        found: list[Entry] = []
        waiting: list[tuple[str, int | None]] = [("", None)]  # with the device of the folder above
        while waiting:
            folder, device = waiting.pop()
            place = Path(self.root, folder)
            here = place.stat().st_dev
            if device not in {None, here}:
                self.mounts.append(str(place))
            with os.scandir(place) as listing:
                # by name: entries that lie in memory as they are sorted are read again faster
                entries = sorted(listing, key=attrgetter("name"))
            if {entry.name for entry in entries} >= LAKE:
                continue
            above = f"{folder}/" if folder else ""
            inner = self._look(entries, above, found)
            waiting += [(path, here) for path in reversed(inner)]
        return found

    def _look(
        self, entries: Iterable[os.DirEntry[str]], above: str, found: list[Entry]
    ) -> list[str]:
        """Put the files of one folder into ``found``; the folders that are to be entered."""
        rules, inner = self.rules, []
        for entry in entries:
            name = entry.name
            path = above + name
            if rules.left_out(name, path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self.without:
                    inner.append(path)
            elif rules.wanted(name, path) and (
                not entry.is_symlink() or _stays_inside(self.root, entry.path)
            ):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # gone since it was listed: it is not there
                    continue
                regular = stat.S_ISREG(status.st_mode)
                manifest = rules.is_manifest(name, entry.path)
                found.append(Entry(path, regular, status.st_size, status.st_mtime_ns, manifest))
        return inner


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
