"""Hits of a private lake under their files' real names, by whoever has the lake's key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mmcore.errors import ConfigError
from mmcore.media.crawl import walk
from mmcore.paths import printable
from mmcore.privacy import Veil
from mmcore.specs import CrawlSpec
from mmcore.types import Hit, Source
from storage.keys import read_key
from storage.layout import Layout
from storage.published import manifest_of
from tasks.privacy import veil_of_lake, veiled


def named(hits: Sequence[Hit], layout: Layout, sources: Iterable[Source]) -> list[Hit]:
    """``hits`` with the real path of each file that lies in one of ``sources`` now.

    Names are hashed and compared; nothing is read but names. ConfigError where the lake is not
    private, or does not have such a root.
    """
    manifest = manifest_of(layout)
    if not manifest.private:
        raise ConfigError(f"{layout.root} is not private: its hits have names, leave --root out")
    if read_key(layout) is None:
        raise ConfigError(f"{layout.key} is not here: without it no hash can be told from another")
    veil = veil_of_lake(layout)
    real: dict[tuple[str | None, str | None], str] = {}
    for source in veiled(sources, veil):
        if source.alias not in manifest.sources:
            known = ", ".join(manifest.sources)
            raise ConfigError(
                f"the lake has no root {source.alias!r} (of {source.url}); it has: {known};"
                " name it as ALIAS=FOLDER"
            )
        real |= _names(source, layout, veil)
    return [replace(hit, path=real.get((hit.root, hit.path), hit.path)) for hit in hits]


def folders(layout: Layout, sources: Iterable[Source]) -> dict[str, str]:
    """Where roots of a private lake lie, by the alias that it has for each."""
    return {source.alias: source.url for source in veiled(sources, veil_of_lake(layout))}


def _names(source: Source, layout: Layout, veil: Veil) -> dict[tuple[str | None, str | None], str]:
    entries = walk(source, CrawlSpec(), layout.root).entries
    return {
        (source.alias, veil.path(source.alias, entry.path)): printable(entry.path)
        for entry in entries
        if not entry.manifest
    }
