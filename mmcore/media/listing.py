"""Which names below a root are looked at: the same rules for folders and for stores."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate
from typing import Final, NamedTuple

from mmcore.media.manifest import NAMES
from mmcore.specs import CrawlSpec

JUNK: Final = (
    *(".*", "@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information"),
    *("lost+found", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "~$*"),
    *("*.part", "*.crdownload"),
)
"""Names that are never looked at: hidden files, folders of systems, unfinished downloads."""
_STARTS: Final = tuple(name[:-1] for name in JUNK if name.endswith("*"))
_ENDS: Final = tuple(name[1:] for name in JUNK if name.startswith("*"))
_NAMES: Final = frozenset(name for name in JUNK if "*" not in name)

LAKE: Final = {"CURRENT", "snapshots"}
"""A folder with both is a lake of ours: what was made of media is not media."""


class Entry(NamedTuple):
    """A name below a root, as the file system gives it; nothing of it has been read.

    A tuple: a dataclass takes three times as long to make, and there is one of each file.
    """

    path: str
    size: int
    mtime_ns: int
    manifest: bool = False
    sure: bool = False  # whether each change of the bytes changes mtime_ns (``remote.stamp``)
    fault: str = ""  # why it is no file of the root (``faults.FAULTS``); size and time are 0 then


class Rules:
    """Which names count, by the usual junk and by the spec's globs."""

    def __init__(self, spec: CrawlSpec, manifest: str | None) -> None:
        self.manifest = manifest  # where the manifest lies that the spec names
        self.exclude, self.include = _any_of(spec.exclude), _any_of(spec.include)

    def left_out(self, name: str, path: str) -> bool:
        """Whether a file or a folder, with all below it, is junk or excluded."""
        if name in _NAMES or name.startswith(_STARTS) or name.endswith(_ENDS):
            return True
        return self.exclude is not None and _matches(self.exclude, path)

    def wanted(self, name: str, path: str) -> bool:
        """Whether a file that is not left out is included."""
        return self.include is None or name.lower() in NAMES or _matches(self.include, path)

    def is_manifest(self, name: str, location: str) -> bool:
        """Whether a file is a manifest: by its name, or because the spec names it."""
        return name.lower() in NAMES or location == self.manifest


def _any_of(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all globs, which fit a whole path (``*`` crosses folders); None for none."""
    plain = [translate(unicodedata.normalize("NFC", glob.rstrip("/"))) for glob in globs]
    return re.compile("|".join(plain)) if plain else None


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.match(unicodedata.normalize("NFC", path)) is not None
