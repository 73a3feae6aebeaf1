"""What can be known to be wrong before any work, and before anybody waits for a server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from flows.config.index import IndexConfig
from mmcore.encoders.presets import chosen, encoders_of
from mmcore.encoders.weights.places import is_place
from mmcore.errors import ConfigError, SourceError, UnknownPluginError
from mmcore.fusion.base import fusions
from mmcore.media.grouping import groupings
from mmcore.media.reading.readers import readers_of
from mmcore.media.remote import check_folder
from mmcore.media.roots import named_manifest
from mmcore.media.urls import is_remote
from mmcore.specs import SegmentationSpec
from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
from storage.keys import read_key
from storage.layout import Layout
from storage.places.place import is_local, store_of
from storage.places.stores import probe
from storage.published import manifest_of
from tasks.privacy import as_private, veil_of_lake, veiled
from tasks.roots import refuse_lost_roots

AUTO = "auto"
_ONE = r"(cpu|mps|cuda(:\d+)?)"
DEVICE = re.compile(rf"auto|{_ONE}(,{_ONE})*")


def check(config: IndexConfig) -> None:
    """Raise the error of the first setting that cannot be: a name, a folder, a combination."""
    chosen(config.preset)
    known = {
        "grouping": (config.crawl.grouping, (AUTO, *groupings.names())),
        "fusion": (config.fusion.name, (AUTO, *fusions.names())),
    }
    for kind, (name, names) in known.items():
        if name not in names:
            raise UnknownPluginError(kind, name, names)
    if not DEVICE.fullmatch(config.runtime.device):
        raise ConfigError(
            f"no device {config.runtime.device!r}: use cpu, mps, cuda, cuda:N (or several, with"
            " commas) or auto"
        )
    _check_segmentation(config.segmentation)
    _check_sources(config)
    check_lake(config)
    _check_privacy(config)
    _check_published(config)
    encoders_of(config.preset, config.segmentation, config.runtime)  # weights, licence, extra


def check_notify(entries: Iterable[SecretStr]) -> None:
    """Raise ConfigError for who can never be told; asks nobody."""
    from tasks.notify import masked, unusable  # noqa: PLC0415 - loads Prefect

    for entry in entries:
        if why := unusable(entry.get_secret_value()):
            raise ConfigError(f"--notify {masked(entry.get_secret_value())}: {why}")


def _check_segmentation(spec: SegmentationSpec) -> None:
    """What is to be cut and read needs its extra, its model and its dictionaries."""
    readers_of(spec)
    if spec.video_cut == "shots":
        from mmcore.media.videos.shots import check_shots  # noqa: PLC0415 - loads PyAV

        check_shots()


def _check_sources(config: IndexConfig) -> None:
    sources = config.sources()
    for source in sources:
        if is_remote(source.url):
            check_folder(source.url)
        elif not Path(source.url).is_dir():
            raise SourceError(f"{source.url} is not a folder: name an existing folder of media")
    if config.crawl.manifest is None:
        return
    if len(sources) > 1:
        raise ConfigError(
            "--manifest goes with one folder: for several, put a manifest.csv into each"
        )
    named_manifest(sources[0], config.crawl)


def _check_privacy(config: IndexConfig) -> None:
    """A private lake keeps no paths, and what is named by its path is needed to search it."""
    if config.private and config.segmentation.text_dictionaries:
        raise ConfigError(
            "segmentation.text_dictionaries: a private lake keeps no path of a file, and these are"
            " needed to search it: leave them out"
        )
    if config.private and any(map(is_place, chosen(config.preset).models.values())):
        raise ConfigError(
            f"--preset {config.preset}: a private lake keeps no path of a file, and this one is"
            " needed to search it: name the weights by their id, as siglip2:mine/siglip2 for those"
            " in DIR/mine/siglip2, with --weights DIR"
        )


def _check_published(config: IndexConfig) -> None:
    """A lake at hand says whether it is private, and has roots; of one in a store the run tells.

    What is damaged in it, the run tells, too.
    """
    lake = Layout(config.lake_root())
    if not is_local(lake.root):
        return
    with suppress(NoLakeError, CorruptLakeError, LakeVersionError):
        manifest = manifest_of(lake)
        as_private(lake, manifest, private=config.private)
        sources = config.sources()
        if config.private:
            if read_key(lake) is None:
                return
            sources = veiled(sources, veil_of_lake(lake))
        refuse_lost_roots(manifest, sources, config.drop)


def check_lake(config: IndexConfig) -> None:
    """Raise ConfigError where no lake can be: a folder of media, a file, nowhere writable."""
    lake = config.lake_root()
    if any(source.url == str(lake) for source in config.sources()):
        raise ConfigError(f"{lake} is a folder of media: name another folder for the lake")
    if not is_local(lake):
        probe(*store_of(lake), lake, writing=not config.dry_run)
        return
    above = next(folder for folder in (lake, *lake.parents) if folder.exists())
    if not above.is_dir():
        raise ConfigError(f"{above} is a file: name a folder for the lake")
    if not config.dry_run and not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"{above} cannot be written to: name another folder for the lake")
