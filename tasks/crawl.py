"""Crawl the roots: what is there now, told apart from what the lake knows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from mmcore.counting import number_of
from mmcore.errors import SourceError
from mmcore.media.collector import uncollected
from mmcore.media.crawl import Walked, read, walk
from mmcore.media.grouping import items_of
from mmcore.media.pace import Pace
from mmcore.media.roots import location_of
from mmcore.media.urls import below
from mmcore.rows import distinct, files_table, item_files_table, known_files
from mmcore.specs import CrawlSpec
from mmcore.types import Content, Item, MediaFile, Rejection, Source
from storage.erasure.tombstones import forgotten
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.hidden import refuse_hidden_losses
from tasks.leave_out import Left, leave_out
from tasks.policies import POLICY
from tasks.privacy import veil_of
from tasks.roots import refuse_lost_roots
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
    mounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by root alias
    forgotten: int = 0  # files that were erased, are still there, and were left out


@dataclass(frozen=True, slots=True)
class LossLimits:
    """What a lake may lose in one run without being asked."""

    fraction: float  # of the published contents
    drop: tuple[str, ...] = ()  # aliases of roots that may go as a whole


@task(name="walk", **POLICY)
@discreet
def walk_roots(
    sources: tuple[Source, ...],
    spec: CrawlSpec,
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> tuple[Walked, ...]:
    """``listed_roots``, as a task."""
    return listed_roots(sources, spec, work, published, losses)


def listed_roots(
    sources: tuple[Source, ...],
    spec: CrawlSpec,
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> tuple[Walked, ...]:
    """List every root; one that the lake has and the run does not name is an error.

    So is a folder that cannot be looked into, if published files lie in it.
    """
    if published:
        refuse_lost_roots(published.manifest, sources, losses.drop)
    walked = tuple(walk(source, spec, work.lake.root) for source in sources)
    if published and any(one.hidden for one in walked):
        refuse_hidden_losses(published, walked, veil_of(work))
    return walked


@task(name="crawl", **POLICY)
@discreet
def crawl_roots(
    walked: tuple[Walked, ...],
    spec: CrawlSpec,
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> Found:
    """Tell and group the files of every root; a great loss is an error, not a deletion."""
    left = list(_left(walked, spec, work, published))
    with uncollected():
        return _found(left, walked, work, published, losses)


def _found(
    left: Iterable[Left],
    walked: tuple[Walked, ...],
    work: Workplace,
    published: Snapshot | None,
    losses: LossLimits,
) -> Found:
    """What is left of all roots together, and its rows."""
    files: dict[tuple[str, str], MediaFile] = {}
    items: list[Item] = []
    rejections: list[Rejection] = []
    gone, veil = 0, veil_of(work)
    sources = [one.source for one in walked]
    for one in left:
        items += one.items
        files |= {(file.root, file.path): file for item in one.items for file in item.files}
        rejections += one.rejections
        gone += one.forgotten
    if not files and not gone:
        raise SourceError(
            f"no picture, text, sound or video in {', '.join(s.url for s in sources)}"
            f" ({number_of(len(rejections), 'file')} of other kinds): name a folder of media"
        )
    contents = contents_of(files.values(), {source.alias: source for source in sources})
    if veil is not None:
        files = {key: veil.file(file) for key, file in files.items()}
        items, rejections = [*map(veil.item, items)], [*map(veil.rejection, rejections)]
        contents = tuple(map(veil.content, contents))
        walked = tuple(
            replace(root, source=veil.placed(root.source), mounts=veil.mounts(root.mounts))
            for root in walked
        )
    file_rows = files_table(files.values())
    if published:
        refuse_great_loss(published, file_rows, walked, losses)
    return Found(
        files=tuple(files.values()),
        items=tuple(items),
        rejections=tuple(rejections),
        contents=contents,
        file_rows=file_rows,
        item_file_rows=item_files_table(items),
        mounts={root.source.alias: root.mounts for root in walked if root.mounts},
        forgotten=gone,
    )


def _left(
    walked: Iterable[Walked], spec: CrawlSpec, work: Workplace, published: Snapshot | None
) -> Iterator[Left]:
    """What each root holds, without what was forgotten."""
    known_rows = published.rows("files") if published else None
    since = 0 if published is None or spec.hash_all else began_ns(published)
    sniffer = published.manifest.software.get("sniffer", "") if published else ""
    veil, erased = veil_of(work), forgotten(work.lake)
    for one in walked:
        alias, known = one.source.alias, dict[str, MediaFile]()
        if known_rows is not None:
            with uncollected():
                known = known_files(known_rows, alias)
        asked = known if veil is None else veil.known(known, alias)
        crawled = read(
            one,
            work.limits,
            asked,
            since_ns=since,
            sniffer=sniffer,
            pace=Pace.of(work.runtime),
        )
        with uncollected():
            grouped = items_of(one.source, crawled, spec, private=work.private)
        yield leave_out(grouped, crawled.rejections, erased, veil)


def began_ns(published: Snapshot) -> int:
    """When the run began that published the snapshot, in nanoseconds since 1970."""
    return int(published.manifest.created_at.timestamp() * 1e9)


def refuse_great_loss(
    published: Snapshot, file_rows: pa.Table, walked: Iterable[Walked], losses: LossLimits
) -> None:
    """Raise SourceError when more of a root's published contents are gone than may go.

    Nothing may go from a root that has lost a mount, unless all may: what shows is not the root.
    A content is gone when no file has it any more, nor is there a file where it was.
    """
    rows = published.rows("files", ["root", "path", "content_id"])
    for one in walked:
        alias = one.source.alias
        before, gone = _gone(rows, file_rows, alias)
        lost = _lost_mounts(published, one) if gone and losses.fraction < 1 else []
        if lost:
            raise SourceError(
                f"{one.source.url}: {lost[0]} is not mounted as it was, and {gone} of {before}"
                " published contents are gone; nothing was deleted: mount it, or, if they are"
                " meant to go, run once with --max-deleted-fraction 1"
            )
        if before and gone / before > losses.fraction:
            raise SourceError(
                f"{gone} of {before} published contents of the root {alias!r} are gone, more than"
                f" the accepted {losses.fraction:.0%}; nothing was deleted: check that every root"
                " is mounted, or raise --max-deleted-fraction"
            )


def _gone(before: pa.Table, now: pa.Table, root: str) -> tuple[int, int]:
    """How many contents a root had, at most if none is gone, and how many of them are gone."""
    of_root = before.filter(pc.equal(before["root"], root))
    there = now["path"].filter(pc.equal(now["root"], root))
    if of_root["path"].equals(there):  # both are sorted; to look each up takes tables of hashes
        return len(there), 0
    deleted = of_root.filter(pc.invert(pc.is_in(of_root["path"], there)))["content_id"].unique()
    gone = pc.sum(pc.invert(pc.is_in(deleted, now["content_id"]))).as_py() or 0
    return distinct(of_root["content_id"]), gone


def _lost_mounts(published: Snapshot, walked: Walked) -> list[str]:
    """Mount points that the root lay on, or held, when it was published, and does no more."""
    source, manifest = walked.source, published.manifest
    if manifest.sources.get(source.alias) != source.url:
        return []  # it lies elsewhere now: what was mounted there tells nothing
    unseen = set(manifest.mounts.get(source.alias, ())) - set(walked.mounts)
    return sorted(m for m in unseen if not (below(m, source.url) and os.path.ismount(m)))


def contents_of(files: Iterable[MediaFile], sources: Mapping[str, Source]) -> tuple[Content, ...]:
    """Each content once, by content id, with the first path that has it."""
    bases = {alias: location_of(source, "") for alias, source in sources.items()}
    found: dict[str, Content] = {}
    for file in sorted(files, key=attrgetter("root", "path")):
        if file.content_id not in found:
            found[file.content_id] = Content.of(file, f"{bases[file.root]}{file.path}")
    return tuple(found.values())
