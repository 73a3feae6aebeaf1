"""Crawl the roots: what is there now, told apart from what the lake knows."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from mmcore.media.crawl import crawl
from mmcore.media.grouping import items_of
from prefect import task

from mmcore.errors import SourceError
from mmcore.rows import known_files
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import Content, Item, MediaFile, Rejection, Source
from storage.snapshot import Snapshot
from tasks.policies import POLICY

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What the roots hold now."""

    files: tuple[MediaFile, ...]
    items: tuple[Item, ...]
    rejections: tuple[Rejection, ...]
    contents: tuple[Content, ...]  # each content once, with one place to read it


@task(name="crawl", **POLICY)
def crawl_roots(
    sources: tuple[Source, ...],
    spec: CrawlSpec,
    limits: LimitsSpec,
    published: Snapshot | None,
    max_deleted_fraction: float,
) -> Found:
    """Walk every root and group its files; a great loss is an error, not a deletion."""
    files: list[MediaFile] = []
    items: list[Item] = []
    rejections: list[Rejection] = []
    known_rows = published.rows("files") if published else None
    since = int(published.manifest.created_at.timestamp() * 1e9) if published else 0
    for source in sources:
        known = known_files(known_rows, source.alias) if known_rows is not None else {}
        crawled = crawl(source, spec, limits, known, since_ns=since)
        grouped = items_of(source, crawled, spec)
        items += grouped
        files += [file for item in grouped for file in item.files]
        rejections += crawled.rejections
    if published:
        refuse_great_loss(published, files, max_deleted_fraction)
    places = {source.alias: Path(source.url) for source in sources}
    return Found(tuple(files), tuple(items), tuple(rejections), contents_of(files, places))


def refuse_great_loss(published: Snapshot, files: list[MediaFile], limit: float) -> None:
    """Raise SourceError when more than ``limit`` of the published contents are gone."""
    before = set(published.rows("files", ["content_id"])["content_id"].to_pylist())
    gone = before - {file.content_id for file in files}
    if before and len(gone) / len(before) > limit:
        raise SourceError(
            f"{len(gone)} of {len(before)} published contents are gone, more than the accepted"
            f" {limit:.0%}; nothing was deleted: check that every root is mounted and named"
            f" (the lake holds {', '.join(published.manifest.sources) or 'none'}),"
            " or raise --max-deleted-fraction"
        )


def contents_of(files: list[MediaFile], places: dict[str, Path]) -> tuple[Content, ...]:
    """Each content once, by content id, with the first path that has it."""
    found: dict[str, Content] = {}
    for file in sorted(files, key=lambda f: (f.root, f.path)):
        location = "" if file.text is not None else os.fspath(places[file.root] / file.path)
        found.setdefault(
            file.content_id,
            Content(
                content_id=file.content_id,
                modality=file.modality,
                media_type=file.media_type,
                size=file.size,
                root=file.root,
                path=file.path,
                location=location,
                text=file.text,
            ),
        )
    return tuple(found.values())
