"""Thumbnails of hits as files in a folder, for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmcore.errors import ConfigError
from mmcore.search.showing.thumbnails import shown_by
from mmcore.types import Hit
from storage.places.place import is_local
from storage.snapshot import Snapshot


def made_folder(folder: Path, lake: Path) -> Path:
    """The folder, made if it is missing; ConfigError where something else has its name.

    So is a folder in the ``lake``: no strangers' files belong there.
    """
    if is_local(lake) and folder.resolve().is_relative_to(lake.resolve()):
        raise ConfigError(f"{folder} is in the lake {lake}: name a folder elsewhere")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"{folder} is a file: name a folder for the thumbnails") from None
    return folder


def written(
    hits: Sequence[Hit], snapshot: Snapshot, folder: Path, first: int = 1
) -> list[str | None]:
    """Write each hit's thumbnail as ``folder``/<rank>-<segment id>.jpg; its path, or None.

    ``first`` is the rank of the first one.
    """
    named: list[str | None] = []
    for rank, found in enumerate(shown_by(hits, snapshot), first):
        if found is None:
            named.append(None)
            continue
        segment, picture = found
        place = folder / f"{rank}-{segment}.jpg"
        place.write_bytes(picture)
        named.append(str(place))
    return named
