"""Start a candidate: the rows of what is there now and the cells that cover it, in a manifest."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task

from mmcore import rows
from mmcore.media.crawl import SNIFFER
from mmcore.media.decoders import decoders
from mmcore.types import EncoderKey, Source
from storage import cells, tables
from storage.erasure.tombstones import tombstones_digest
from storage.manifest import EncoderEntry, Manifest
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.crawl import Found
from tasks.discretion import discreet
from tasks.manifests import entries
from tasks.plan import Plan
from tasks.policies import POLICY
from tasks.privacy import captions_table, veil_of
from tasks.refusals import Parts, quarantine
from tasks.workplace import Workplace

SOFTWARE = ("mmindex", "torch", "faiss-cpu", "pyarrow", "prefect")


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
    serving = _parts_of(published)
    parts = {
        key: cells.live_parts(work.cells_of(key), live, in_use, work.readers(key), serving)
        for key in plan.encoders
    }
    segments = _segments(found, parts, live)
    written = {
        "files": found.file_rows,
        "items": rows.items_table(found.items, segments),
        "item_files": found.item_file_rows,
        "quarantine": quarantine(found, segments, parts, work, published),
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


def _parts_of(published: Snapshot | None) -> set[Path]:
    """The parts of cells that serve."""
    if published is None:
        return set()
    return {published.layout.root / path for path in published.manifest.paths("embeddings/")}


def _model(published: Snapshot | None) -> list[Path]:
    """The files of the projection that serves; those of a trained fusion are named with it."""
    if published is None or published.manifest.projection is None:
        return []
    return [published.layout.root / path for path in published.manifest.paths("models/projection")]


def _entry(key: EncoderKey) -> EncoderEntry:
    return EncoderEntry(
        modality=key.modality,
        name=key.name,
        fingerprint=key.fingerprint,
        space=key.space,
        dim=key.dim,
    )


def _segments(found: Found, parts: Parts, live: set[str]) -> dict[Modality, pa.Table]:
    """``schemas.SEGMENTS`` of each modality that has live segments: in all of its encoders."""
    described: dict[Modality, pa.Table] = {}
    for key, of in parts.items():
        table = cells.live_descriptions(list(of), live)
        known = described.get(key.modality)
        described[key.modality] = table if known is None else _in_both(known, table)
    cells.refuse_shared(described.values())
    return {
        modality: rows.segments_table(found.item_file_rows, table)
        for modality, table in described.items()
        if table.num_rows
    }


def _in_both(one: pa.Table, other: pa.Table) -> pa.Table:
    """The rows of ``one`` whose segments ``other`` has too: what one tower lacks is not live."""
    return one.filter(pc.is_in(one["segment_id"], other["segment_id"].combine_chunks()))


def _truncated(parts: Parts, live: set[str]) -> dict[str, int]:
    """How many segments a model cut, if any; what two towers cut counts once."""
    cut: dict[tuple[Modality, str], int] = {}
    for key, of in parts.items():
        for record in of.values():
            for content, count in record.only(live).truncated.items():
                place = key.modality, content
                cut[place] = max(count, cut.get(place, 0))
    return {"truncated": sum(cut.values())} if cut else {}


def _segment_counts(segments: Mapping[Modality, pa.Table]) -> dict[str, int]:
    return {
        f"segments_{modality}": pc.count_distinct(table["segment_id"]).as_py()
        for modality, table in segments.items()
    }
