"""List a local root by ``os.scandir``: one stat a file, no link followed out of the root."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

from mmcore.media.faults import folder_fault, link_fault
from mmcore.media.listing import LAKE, Entry, Rules


class LocalListing:
    """Lists the entries of a root that are neither junk nor left out.

    ``mounts`` names the mount points that the listing saw: the one that the root lies on, and
    those below it. ``hidden`` names the folders that could not be looked into; so does an entry.
    """

    def __init__(self, root: str, rules: Rules, without: str | None) -> None:
        self.root, self.rules, self.without = root, rules, without
        self.mounts = [mount_point(root)]
        self.hidden: list[str] = []

    def below(self) -> list[Entry]:
        """All entries below the root, those of a folder by name.

        Links to folders are not followed: what they show has a path of its own in the root, or
        lies outside of it. Links to files count when their target lies in the root. Any other
        link, a pipe, a device, and a folder that cannot be looked into is an entry with its fault.
        """
        found: list[Entry] = []
        waiting: list[tuple[str, int | None]] = [("", None)]  # with the device of the folder above
        while waiting:
            folder, above = waiting.pop()
            try:
                inner, device = self._enter(folder, above, found)
            except OSError as error:
                fault = folder_fault(error) if folder else None
                if fault is None:
                    raise
                self.hidden.append(folder)
                found.append(Entry(folder, 0, 0, fault=fault))
            else:
                waiting += [(path, device) for path in reversed(inner)]
        return found

    def _enter(self, folder: str, above: int | None, found: list[Entry]) -> tuple[list[str], int]:
        """Put the files of a folder into ``found``; the folders to be entered, and its device."""
        place = Path(self.root, folder)
        status = place.lstat() if folder else place.stat()
        if not stat.S_ISDIR(status.st_mode):  # since it was listed, a link took its place
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
        if above not in {None, status.st_dev}:
            self.mounts.append(str(place))
        with os.scandir(place) as listing:
            # by name: entries that lie in memory as they are sorted are read again faster
            entries = sorted(listing, key=attrgetter("name"))
        if {entry.name for entry in entries} >= LAKE:
            return [], status.st_dev
        inner, files = self._look(entries, f"{folder}/" if folder else "")
        found += files
        return inner, status.st_dev

    def _look(
        self, entries: Iterable[os.DirEntry[str]], above: str
    ) -> tuple[list[str], list[Entry]]:
        """The folders among the entries of one folder that are to be entered, and its files."""
        rules = self.rules
        inner: list[str] = []
        found: list[Entry] = []
        for entry in entries:
            name = entry.name
            path = above + name
            if rules.left_out(name, path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self.without:
                    inner.append(path)
            elif rules.wanted(name, path) and (file := self._file(entry, path)):
                found.append(file)
        return inner, found

    def _file(self, entry: os.DirEntry[str], path: str) -> Entry | None:
        """What is no folder; None when it has gone since it was listed."""
        if entry.is_symlink() and (fault := link_fault(self.root, entry.path)):
            return Entry(path, 0, 0, fault=fault)
        try:
            status = entry.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return Entry(path, 0, 0, fault="path-too-long")
        if not stat.S_ISREG(status.st_mode):
            return Entry(path, 0, 0, fault="not-a-file")
        manifest = self.rules.is_manifest(entry.name, entry.path)
        return Entry(path, status.st_size, status.st_mtime_ns, manifest)


def mount_point(folder: str) -> str:
    """The mount point that an absolute folder lies on."""
    place = folder
    while not os.path.ismount(place):
        above = str(Path(place).parent)
        if above == place:
            break
        place = above
    return place
