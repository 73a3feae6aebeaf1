"""What kept snapshots say of the models that served. Loads no Prefect and no torch."""

from __future__ import annotations

from collections.abc import Iterator

from mmcore.errors import ConfigError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.published import published
from storage.schemas import MmindexError


def newest(lake: Layout) -> Iterator[Manifest]:
    """The manifests of the kept snapshots that can be read, the newest first."""
    for number in reversed(published(lake)):
        try:
            yield read_manifest(lake.snapshot(number) / "manifest.json")
        except MmindexError:  # its own commands tell of it
            continue


def with_others(lake: Layout, serving: Manifest) -> Manifest:
    """The newest kept snapshot, by parents, that was made with other models than ``serving``.

    ConfigError where none of them was.
    """
    kept = {one.number: one for one in newest(lake)}
    manifest = kept.get(serving.number, serving)  # whole, if ``serving`` is without a damaged one
    parent = kept.get(manifest.parent)
    while parent is not None:
        if _models(parent) != _models(manifest):
            return parent
        parent = kept.get(parent.parent)
    raise ConfigError(
        f"{lake.root}: no kept snapshot before {manifest.number} had other models:"
        " `mmindex models list` names the versions that `mmindex models promote` can take"
    )


def _models(manifest: Manifest) -> tuple[object, ...]:
    fusion = manifest.fusion
    projection = manifest.projection.version if manifest.projection else None
    return projection, fusion and (fusion.name, fusion.version, fusion.weights)
