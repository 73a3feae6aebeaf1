"""Start a candidate: the rows of what is there now and the cells that cover it, in a manifest."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from mmcore import rows
from mmcore.errors import TooManyBadFilesError
from mmcore.types import EncoderKey, MediaFile, Rejection, Source
from storage import cells, schemas, tables
from storage.manifest import EncoderEntry, FileEntry, Manifest, entry
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.crawl import Found
from tasks.plan import Plan
from tasks.policies import POLICY
from tasks.workplace import Workplace

SOFTWARE = ("mmindex", "torch", "faiss-cpu", "pyarrow", "prefect")
UNSUPPORTED = "sniff"  # the stage that tells types: what it refuses was never media


@task(name="write-rows", **POLICY)
def start_candidate(
    found: Found,
    plan: Plan,
    work: Workplace,
    published: Snapshot | None,
    sources: tuple[Source, ...],
) -> Manifest:
    """Write the tables of rows and name the parts that hold the cells of live contents."""
    live = {c.content_id for c in found.contents}
    parts = {key: live_parts(key, live, work) for key in plan.encoders}
    item_files = rows.item_files_table(found.items)
    segments = {
        key.modality: rows.segments_table(item_files, descriptions(list(of), live))
        for key, of in parts.items()
        if of
    }
    segments = {modality: table for modality, table in segments.items() if table.num_rows}
    quarantine = rows.quarantine_table(
        [*found.rejections, *part_rejections(parts.values(), found.files)],
        published.rows("quarantine") if published else None,
        datetime.now(UTC),
    )
    written = {
        "files": rows.files_table(found.files),
        "items": rows.items_table(found.items, segments),
        "item_files": item_files,
        "quarantine": quarantine,
        **{f"segments/{modality}": table for modality, table in segments.items()},
    }
    paths = [tables.write_rows(work.lake.rows(name), table) for name, table in written.items()]
    paths += [path for of in parts.values() for path in of]
    return Manifest(
        number=None,
        parent=published.manifest.number if published else None,
        run="",
        created_at=datetime.now(UTC),
        schema_version=schemas.SCHEMA_VERSION,
        preset=work.preset,
        sources={source.alias: source.url for source in sources},
        files=entries(paths, work, published),
        encoders=[
            EncoderEntry(
                modality=k.modality,
                name=k.name,
                fingerprint=k.fingerprint,
                space=k.space,
                dim=k.dim,
            )
            for k in plan.encoders
        ],
        projection=published.manifest.projection if published else None,
        fusion=None,
        indexes=[],
        evaluation=None,
        counts={
            "items": len(found.items),
            "files": written["files"].num_rows,
            **_segment_counts(segments),
        },
        software={
            "python": platform.python_version(),
            **{name: version(name) for name in SOFTWARE},
        },
    )


def _segment_counts(segments: Mapping[Modality, pa.Table]) -> dict[str, int]:
    return {
        f"segments_{modality}": pc.count_distinct(table["segment_id"]).as_py()
        for modality, table in segments.items()
    }


def entries(paths: Iterable[Path], work: Workplace, published: Snapshot | None) -> list[FileEntry]:
    """Manifest entries of ``paths``, sorted; a published file is not hashed again."""
    known = {e.path: e for e in published.manifest.files} if published else {}
    return sorted((entry(work.lake.root, path, known) for path in paths), key=lambda e: e.path)


def with_files(
    manifest: Manifest, paths: Iterable[Path], work: Workplace, published: Snapshot | None
) -> Manifest:
    """The manifest, naming ``paths`` too."""
    files = [*manifest.files, *entries(paths, work, published)]
    return manifest.model_copy(update={"files": sorted(files, key=lambda e: e.path)})


def live_parts(key: EncoderKey, live: set[str], work: Workplace) -> dict[Path, cells.PartRecord]:
    """The encoder's parts that cover at least one live content, with their records."""
    folder = work.lake.embeddings(key.modality, key.name, key.fingerprint)
    records = {path: cells.read_record(path) for path in sorted(folder.glob("part-*.parquet"))}
    return {path: record for path, record in records.items() if not live.isdisjoint(record.done)}


def descriptions(parts: list[Path], live: set[str]) -> pa.Table:
    """What the parts say of the segments of live contents, each segment once."""
    table = tables.read_parts(parts, schemas.DESCRIPTIONS.names)
    table = table.filter(pc.is_in(table["content_id"], pa.array(sorted(live), pa.string())))
    first = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    kept = first.group_by("segment_id").aggregate([("row", "min")])["row_min"]
    return table.take(kept)


def part_rejections(
    parts: Iterable[Mapping[Path, cells.PartRecord]], files: Iterable[MediaFile]
) -> list[Rejection]:
    """What could not be decoded, for each file that has such a content now."""
    paths = defaultdict(list)
    for file in files:
        paths[file.content_id].append((file.root, file.path))
    return [
        replace(rows.rejection_of(row), root=root, path=path)
        for of in parts
        for row in cells.standing_rejections(of.values())
        for root, path in paths.get(str(row["content_id"]), ())
    ]


def refuse_many_bad(manifest: Manifest, work: Workplace, limit: float) -> None:
    """Raise TooManyBadFilesError when more than ``limit`` of the media files failed."""
    table = Snapshot.of(work.lake, manifest).rows("quarantine")
    failed = table.filter(pc.not_equal(table["stage"], UNSUPPORTED))
    bad = set(zip(failed["root"].to_pylist(), failed["path"].to_pylist(), strict=True))
    total = manifest.counts["files"]
    if total and len(bad) / total > limit:
        first = failed.slice(0, 1).to_pylist()[0]
        example = f"{first['path']}: {first['message']}"
        raise TooManyBadFilesError(len(bad), total, limit, example)
