"""Crawl the roots: what is there now, told apart from what the lake knows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from prefect import task

from mmcore.errors import SourceError
from mmcore.media.crawl import Walked, read, walk
from mmcore.media.grouping import items_of
from mmcore.rows import files_table, item_files_table, known_files
from mmcore.specs import CrawlSpec
from mmcore.types import Content, Item, MediaFile, Rejection, Source
from storage.snapshot import Snapshot
from tasks.policies import POLICY
from tasks.workplace import Workplace


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the roots hold now, and its rows."""

    files: tuple[MediaFile, ...]  # each (root, path) once, however many items it serves
    items: tuple[Item, ...]
    rejections: tuple[Rejection, ...]
    contents: tuple[Content, ...]  # each content once, with one place to read it
    file_rows: pa.Table  # schemas.FILES
    item_file_rows: pa.Table  # schemas.ITEM_FILES


@dataclass(frozen=True, slots=True)
class LossLimits:
    """What a lake may lose in one run without being asked."""

    fraction: float  # of the published contents
    drop: tuple[str, ...] = ()  # aliases of roots that may go as a whole


@task(name="walk", **POLICY)
def walk_roots(
    sources: tuple[Source, ...],
    spec: CrawlSpec,
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> tuple[Walked, ...]:
    """List every root; one that the lake has and the run does not name is an error."""
    if published:
        refuse_lost_roots(published, sources, losses.drop)
    return tuple(walk(source, spec, work.lake.root) for source in sources)


@task(name="crawl", **POLICY)
def crawl_roots(
    walked: tuple[Walked, ...],
    spec: CrawlSpec,
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> Found:
    """Tell and group the files of every root; a great loss is an error, not a deletion."""
    files: dict[tuple[str, str], MediaFile] = {}
    items: list[Item] = []
    rejections: list[Rejection] = []
    known_rows = published.rows("files") if published else None
    since = 0 if published is None or spec.hash_all else began_ns(published)
    sources = [one.source for one in walked]
    for one in walked:
        source = one.source
        known = known_files(known_rows, source.alias) if known_rows is not None else {}
        crawled = read(one, work.limits, known, since_ns=since)
        grouped = items_of(source, crawled, spec)
        items += grouped
        files |= {(file.root, file.path): file for item in grouped for file in item.files}
        rejections += crawled.rejections
    if not files:
        raise SourceError(
            f"no picture, text, sound or video in {', '.join(s.url for s in sources)}"
            f" ({len(rejections)} files of other kinds): name a folder of media"
        )
    if published:
        refuse_great_loss(published, files.values(), losses)
    places = {source.alias: Path(source.url) for source in sources}
    return Found(
        files=tuple(files.values()),
        items=tuple(items),
        rejections=tuple(rejections),
        contents=contents_of(files.values(), places),
        file_rows=files_table(files.values()),
        item_file_rows=item_files_table(items),
    )


def began_ns(published: Snapshot) -> int:
    """When the run began that published the snapshot, in nanoseconds since 1970."""
    return int(published.manifest.created_at.timestamp() * 1e9)


def refuse_lost_roots(
    published: Snapshot, sources: tuple[Source, ...], drop: tuple[str, ...]
) -> None:
    """Raise SourceError when a root of the lake is neither named nor dropped."""
    named = {source.alias for source in sources}
    for alias, url in published.manifest.sources.items():
        if alias not in named and alias not in drop:
            raise SourceError(
                f"the lake also holds the root {alias!r} ({url}): name it too, as {alias}=FOLDER,"
                f" or take it out of the lake with --drop {alias}"
            )


def refuse_great_loss(published: Snapshot, files: Iterable[MediaFile], losses: LossLimits) -> None:
    """Raise SourceError when more of the published contents are gone than may go."""
    rows = published.rows("files", ["root", "content_id"]).to_pylist()
    before = {row["content_id"] for row in rows if row["root"] not in losses.drop}
    gone = before - {file.content_id for file in files}
    if before and len(gone) / len(before) > losses.fraction:
        raise SourceError(
            f"{len(gone)} of {len(before)} published contents are gone, more than the accepted"
            f" {losses.fraction:.0%}; nothing was deleted: check that every root is mounted, or"
            " raise --max-deleted-fraction"
        )


def contents_of(files: Iterable[MediaFile], places: Mapping[str, Path]) -> tuple[Content, ...]:
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
                mtime_ns=file.mtime_ns,
                text=file.text,
            ),
        )
    return tuple(found.values())
