"""Where a root and its manifests lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mmcore.errors import ConfigError
from mmcore.media import remote
from mmcore.media.manifest import ManifestRow, read_manifest
from mmcore.media.urls import below, checked_url, is_remote, local_path
from mmcore.specs import CrawlSpec
from mmcore.types import Source


def location_of(source: Source, path: str) -> str:
    """What to open to read the file ``path`` of a root: a local path, or a URL."""
    base = source.url if is_remote(source.url) else str(local_path(source.url))
    return f"{base.rstrip('/')}/{path}"


def named_manifest(source: Source, spec: CrawlSpec) -> str | None:
    """Where the spec's manifest lies, as a real path or a URL: below the root, else from here.

    ConfigError when there is no such file.
    """
    if spec.manifest is None:
        return None
    inside = location_of(source, spec.manifest)
    relative = not is_remote(spec.manifest) and not Path(spec.manifest).is_absolute()
    found = inside if relative and _is_file(inside) else spec.manifest
    if found is not inside and not _is_file(found):
        raise ConfigError(
            f"{spec.manifest}: no such manifest, neither below {source.url} nor from here"
        )
    place = checked_url(found) if is_remote(found) else str(local_path(found))
    inner = below(place, location_of(source, ""))
    return place if inner is None else location_of(source, inner)


def outside_manifest(source: Source, spec: CrawlSpec) -> str | None:
    """The spec's manifest if it lies outside the root; ConfigError when there is no such file."""
    place = named_manifest(source, spec)
    inside = place is not None and below(place, location_of(source, "")) is not None
    return None if inside else place


def stamp_of(place: str) -> tuple[int, int]:
    """Size and time of change of a manifest outside of all roots."""
    if not is_remote(place):
        status = Path(place).stat()
        return status.st_size, status.st_mtime_ns
    told = _described(place)
    return int(told["size"]), remote.stamp(told)[0]


def manifest_rows(place: str) -> list[ManifestRow]:
    """The rows of a manifest at a path or a URL; ConfigError where it cannot be used."""
    if not is_remote(place):
        return read_manifest(Path(place))
    with remote.reaching(place):
        store, path = remote.opened(place)
        data = store.cat_file(path)
    return read_manifest(place, data)


def _is_file(place: str) -> bool:
    if not is_remote(place):
        return local_path(place).is_file()
    checked_url(place)
    try:
        return bool(_described(place)["type"] == "file")
    except FileNotFoundError:
        return False


def _described(url: str) -> Mapping[str, Any]:
    with remote.reaching(url):
        store, path = remote.opened(url)
        return cast("Mapping[str, Any]", store.info(path))
