"""Where the files of hits lie on this machine, and how one is opened for a person."""

from __future__ import annotations

import mimetypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from mmcore.errors import ConfigError
from mmcore.media.urls import local_folder
from mmcore.paths import original
from mmcore.search.notes import Note
from mmcore.types import Hit

_WATCHED: Final = 2.0  # seconds
_RUNNING: Final[list[subprocess.Popen[bytes]]] = []  # not waited for
_SEEN: Final = ("image/", "audio/", "video/")
_READ: Final = frozenset(
    {
        "text/plain",
        "text/markdown",
        "text/csv",
        "text/vtt",
        "application/pdf",
        "application/json",
        "application/x-subrip",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
)
_NAMED: Final = {".srt": "application/x-subrip", ".md": "text/markdown", ".ass": "text/plain"}


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a lake's roots, by alias; those in a store have no place here."""

    roots: Mapping[str, str]

    def of(self, hit: Hit) -> Path | None:
        """The file of a hit; None where it is not here, or would not lie below its root."""
        folder = local_folder(self.roots.get(hit.root or ""))
        if folder is None or hit.path is None:
            return None
        place = folder / original(hit.path)
        try:
            within = Path(os.path.realpath(place)).is_relative_to(folder)
            return place if within and place.is_file() else None
        except (OSError, ValueError):  # a name that is too long here, or none
            return None


def view(hit: Hit, places: Places) -> None:
    """Open the file of a hit with the system's viewer; ConfigError where that cannot be.

    A file is opened by its name, and was indexed by its content: so one whose name is not that of
    a medium, which the system might run, is left alone.
    """
    place = places.of(hit)
    if place is None:
        raise ConfigError(Note("moved", path=f"{hit.root}/{hit.path}"))
    if not _is_medium(place):
        raise ConfigError(Note("not-opened", path=str(place)))
    if not _started(place):
        raise ConfigError(Note("no-viewer", path=str(place)))


def _started(place: Path) -> bool:
    """Whether a viewer runs, or has ended well; what it has to say is not shown.

    One that has not failed within ``_WATCHED`` seconds has a window, and is left to itself.
    """
    if sys.platform == "win32":
        return typer.launch(str(place)) == 0
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        return False
    viewer = subprocess.Popen(
        [opener, str(place)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return viewer.wait(_WATCHED) == 0
    except subprocess.TimeoutExpired:
        _RUNNING.append(viewer)
        return True


def _is_medium(place: Path) -> bool:
    suffix = place.suffix.lower()
    told = _NAMED.get(suffix) or mimetypes.guess_type(f"_{suffix}", strict=False)[0] or ""
    return told in _READ or (told.startswith(_SEEN) and told != "image/svg+xml")
