"""Where the files of a lake lie now."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmcore.errors import ConfigError, SourceError
from mmcore.media import remote
from mmcore.media.roots import location_of
from mmcore.media.urls import is_remote, local_path
from mmcore.paths import printable
from mmcore.types import Content, MediaFile, Source
from storage.manifest import Manifest
from storage.schemas import Modality

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Finder:
    """Where contents can be read now."""

    sources: Mapping[str, Source]
    missing: dict[MediaFile, str] = field(default_factory=dict)  # its location

    def content(self, file: MediaFile) -> Content | None:
        """The content of a file; None where it has gone, or has another size than it had."""
        location = location_of(self.sources[file.root], file.path)
        if not is_remote(location) and not _is_there(location, file.size):
            self.missing[file] = printable(location)
            return None
        return Content.of(file, location)

    def contents(self, files: Sequence[MediaFile], modality: Modality) -> tuple[Content, ...]:
        """Those of one modality that are there."""
        found = (self.content(file) for file in files if file.modality is modality)
        return tuple(content for content in found if content is not None)

    def tell(self, url: str) -> None:
        """Log how many files of the lake at ``url`` are missing, if any, and one of them."""
        if self.missing:
            log.warning(
                "%s: %d files are not where the lake says, or have changed since, such as %s:"
                " index the folder again",
                url,
                len(self.missing),
                next(iter(self.missing.values())),
            )


def _is_there(location: str, size: int) -> bool:
    try:
        return Path(location).stat().st_size == size
    except OSError:
        return False


def sources_of(url: str, manifest: Manifest, needed: Iterable[str]) -> dict[str, Source]:
    """The roots that are needed; ConfigError for one that cannot be reached."""
    found = {}
    for alias in sorted(needed):
        place = manifest.sources.get(alias, "")
        try:
            there = _reached(place)
        except SourceError as error:
            raise ConfigError(f"{url}: its source {alias!r} cannot be read: {error}") from error
        if not there:
            raise ConfigError(
                f"{url}: its source {alias!r} is not at {place or 'a place that it knows'} any"
                " more: mount it, or train on the folder itself, where it lies now"
            )
        found[alias] = Source(alias, place)
    return found


def _reached(place: str) -> bool:
    if is_remote(place):
        remote.check_folder(place)
        return True
    return bool(place) and local_path(place).is_dir()
