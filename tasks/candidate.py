"""Start a candidate: the rows of what is there now and the cells that cover it, in a manifest."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from mmcore import rows
from mmcore.errors import TooManyBadFilesError
from mmcore.media.crawl import SNIFFER
from mmcore.media.decoders import decoders
from mmcore.media.faults import NO_MEDIA
from mmcore.types import EncoderKey, Rejection, Source
from storage import candidates, cells, tables
from storage.erasure.tombstones import tombstones_digest
from storage.manifest import EncoderEntry, Manifest
from storage.records import PartRecord
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.crawl import Found
from tasks.discretion import discreet
from tasks.manifests import entries
from tasks.plan import Plan
from tasks.policies import POLICY
from tasks.privacy import captions_table, veil_of
from tasks.publish import propose
from tasks.workplace import Workplace

SOFTWARE = ("mmindex", "torch", "faiss-cpu", "pyarrow", "prefect")
UNSUPPORTED = "sniff"  # the stage that tells types: what it refuses was never media
NAMED = 3  # reasons that an error names
SHOWN = 120  # characters of a message in an error

SEGMENTS = "segments"  # the stage that finds files of which nothing was embedded
NOTHING_FOUND, NO_ENCODER = "nothing-found", "no-encoder"
WHY = {
    NOTHING_FOUND: "it was decoded, and there is nothing in it to be embedded",
    NO_ENCODER: "the preset has no encoder for {modality}",
}

Parts = Mapping[EncoderKey, Mapping[Path, PartRecord]]
Segments = Mapping[Modality, pa.Table]


@task(name="write-rows", **POLICY)
@discreet
def start_candidate(
    found: Found,
    plan: Plan,
    work: Workplace,
    published: Snapshot | None,
    sources: tuple[Source, ...],
) -> Manifest:
    """Write the tables of rows and name the parts that hold the cells of live contents.

    The published projection is named too, with its files.
    """
    live = {c.content_id for c in found.contents}
    in_use = decoders(work.limits)
    parts = {
        key: cells.live_parts(work.cells_of(key), live, in_use, work.readers(key))
        for key in plan.encoders
    }
    segments = _segments(found, parts, live)
    written = {
        "files": found.file_rows,
        "items": rows.items_table(found.items, segments),
        "item_files": found.item_file_rows,
        "quarantine": _quarantine(found, segments, parts, work, published),
        **{f"segments/{modality}": table for modality, table in segments.items()},
    }
    veil = veil_of(work)
    if veil is not None:
        written["captions"] = captions_table(found.contents, work, published, veil)
    paths = chain.from_iterable(
        tables.write_rows(work.lake.rows(name), table) for name, table in written.items()
    )
    return Manifest(
        parent=published.manifest.number if published else None,
        run="",
        created_at=datetime.now(UTC),
        preset=work.preset,
        dtype=work.storage.dtype,
        private=work.private,
        sources={s.alias: s.url if veil is None else veil.url(s.url) for s in sources},
        mounts={alias: list(mounts) for alias, mounts in found.mounts.items()},
        files=entries(chain(paths, *parts.values(), _model(published)), work, published),
        encoders=[_entry(key) for key in plan.encoders],
        projection=published.manifest.projection if published else None,
        counts={
            "items": len(found.items),
            "files": found.file_rows.num_rows,
            **({"forgotten": found.forgotten} if found.forgotten else {}),
            **_truncated(parts, live),
            **_segment_counts(segments),
        },
        tombstones=tombstones_digest(work.lake),
        software={
            "python": platform.python_version(),
            "sniffer": SNIFFER,
            **{name: version(name) for name in SOFTWARE},
        },
    )


def _model(published: Snapshot | None) -> list[Path]:
    """The files of the projection that serves."""
    if published is None or published.manifest.projection is None:
        return []
    return [published.layout.root / path for path in published.manifest.paths("models")]


def _entry(key: EncoderKey) -> EncoderEntry:
    return EncoderEntry(
        modality=key.modality,
        name=key.name,
        fingerprint=key.fingerprint,
        space=key.space,
        dim=key.dim,
    )


def _segments(found: Found, parts: Parts, live: set[str]) -> dict[Modality, pa.Table]:
    """``schemas.SEGMENTS`` of each modality that has live segments."""
    described = {
        key.modality: cells.live_descriptions(list(of), live) for key, of in parts.items() if of
    }
    cells.refuse_shared(described.values())
    return {
        modality: rows.segments_table(found.item_file_rows, table)
        for modality, table in described.items()
        if table.num_rows
    }


def _quarantine(
    found: Found, segments: Segments, parts: Parts, work: Workplace, published: Snapshot | None
) -> pa.Table:
    """What the crawl refused and what could not be decoded, for each file there is now.

    A file that has no segment has a row, whatever the reason.
    """
    in_use = decoders(work.limits)
    refused = chain.from_iterable(
        cells.standing_rejections(of.values(), in_use) for of in parts.values()
    )
    told = [*found.rejections, *rows.part_rejections(refused, found.files)]
    return rows.quarantine_table(
        [*told, *_without_segments(found, segments, parts, {r.content_id for r in told})],
        published.rows("quarantine") if published else None,
        datetime.now(UTC),
    )


def _without_segments(
    found: Found, segments: Segments, parts: Parts, told: set[str | None]
) -> Iterator[Rejection]:
    """Rows of the files of which nothing was embedded and nothing was said."""
    named = told.union(*(table["content_id"].unique().to_pylist() for table in segments.values()))
    read = {modality for key in parts for modality in key.reads}
    for file in found.files:
        if file.content_id in named:
            continue
        reason = NOTHING_FOUND if file.modality in read else NO_ENCODER
        yield Rejection(
            file.root,
            file.path,
            file.content_id,
            SEGMENTS,
            reason,
            WHY[reason].format(modality=file.modality),
            "mmindex",
        )


def _truncated(parts: Parts, live: set[str]) -> dict[str, int]:
    """How many segments a model cut, if any."""
    records = (record.only(live) for of in parts.values() for record in of.values())
    count = sum(count for record in records for count in record.truncated.values())
    return {"truncated": count} if count else {}


def _segment_counts(segments: Mapping[Modality, pa.Table]) -> dict[str, int]:
    return {
        f"segments_{modality}": pc.count_distinct(table["segment_id"]).as_py()
        for modality, table in segments.items()
    }


def refuse_many_bad(manifest: Manifest, work: Workplace, limit: float) -> None:
    """Raise TooManyBadFilesError when more than ``limit`` of the media files failed.

    What the crawl refused is no row of ``files``, and yet one of the files, unless it is no media.
    The candidate stays, as a blocked one: its quarantine names the files.
    """
    snapshot = Snapshot.of(work.lake, manifest)
    table = snapshot.rows("quarantine")
    no_media = pc.is_in(table["reason"], value_set=pa.array(sorted({*NO_MEDIA, NO_ENCODER})))
    in_part = pc.is_valid(table["source"])  # the rest of such a file is used
    passed = pc.or_(pc.or_(pc.equal(table["stage"], UNSUPPORTED), no_media), in_part)
    failed = table.filter(pc.invert(passed))
    bad = failed.group_by(["root", "path"]).aggregate([])
    if not bad.num_rows:
        return
    files = snapshot.rows("files", ["root", "path"])
    refused = bad.join(files, ["root", "path"], join_type="left anti")
    total = files.num_rows + refused.num_rows
    if bad.num_rows / total > limit:
        error = TooManyBadFilesError(bad.num_rows, total, limit, _worst(failed))
        candidates.block(work.lake, propose(manifest, work.lake).run, str(error))
        raise error


def _worst(failed: pa.Table) -> str:
    """The most frequent reasons, each with how often it comes and an example."""
    groups: dict[tuple[str, str], list[Mapping[str, str | None]]] = defaultdict(list)
    for row in failed.select(["path", "stage", "reason", "message"]).to_pylist():
        groups[row["stage"], row["reason"]].append(row)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    said = [
        f"{len(of)} {stage}/{reason}, such as {of[0]['path']}"
        + (f" ({message[:SHOWN]})" if (message := of[0]["message"]) else "")
        for (stage, reason), of in ranked[:NAMED]
    ]
    more = len(ranked) - NAMED
    return "; ".join([*said, *([f"and {more} more reasons"] if more > 0 else [])])
