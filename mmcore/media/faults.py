"""What a walk over a root finds that is no file of it: told by name, never opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

STAGE: Final = "crawl"

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not-a-file": "a pipe, a socket or a device",
        "link-outside": "a link to what lies outside of the root",
        "link-to-folder": "a link to a folder of the root, whose files count where they lie",
        "link-loop": "a link to itself, or to a folder that it lies in",
        "dangling-link": "a link to what is not there",
        "path-too-long": "a longer path than the system can open",
        "unreadable-folder": "no permission to look into it",
        "unreadable": "no permission to read it",
        "vanished": "it went away while the root was crawled",
    }
)
"""Reason → message of what a walk refuses."""

NO_MEDIA: Final = frozenset(
    {"not-a-file", "link-outside", "link-to-folder", "link-loop", "dangling-link"}
)
"""Reasons of what never was a file of the root: it counts as none that failed."""

STANDING: Final = FAULTS.keys() - {"unreadable", "vanished"}
"""Reasons that each walk tells anew: such a row is no reason to look at files again."""

_OF_FOLDERS: Final = {
    errno.EACCES: "unreadable-folder",
    errno.EPERM: "unreadable-folder",
    errno.ENAMETOOLONG: "path-too-long",
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",
}


def folder_fault(error: OSError) -> str | None:
    """Why a folder cannot be listed, or None where that is the disk's or the network's fault."""
    return _OF_FOLDERS.get(error.errno or 0)


def link_fault(root: str, link: str) -> str:
    """Why a link is no file of ``root``, both real paths; "" when it leads to one.

    Nothing is opened, on the way or at its end.
    """
    try:
        target = Path(os.path.realpath(link, strict=True))
        mode = target.stat().st_mode
    except PermissionError:
        return "unreadable" if _inside(root, Path(os.path.realpath(link))) else "link-outside"
    except OSError as error:
        return "link-loop" if error.errno == errno.ELOOP else "dangling-link"
    if stat.S_ISDIR(mode) and Path(link).is_relative_to(target):
        return "link-loop"
    if not _inside(root, target):
        return "link-outside"
    if stat.S_ISDIR(mode):
        return "link-to-folder"
    return "" if stat.S_ISREG(mode) else "not-a-file"


def _inside(root: str, target: Path) -> bool:
    return target.is_relative_to(root)
