"""What could not be used: the rows of the quarantine, and the run that has too much of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from mmcore import rows
from mmcore.errors import TooManyBadFilesError
from mmcore.media.decoders import decoders
from mmcore.media.faults import NO_MEDIA
from mmcore.types import EncoderKey, Rejection
from storage import candidates, cells
from storage.manifest import Manifest
from storage.records import PartRecord
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.crawl import Found
from tasks.publish import propose
from tasks.workplace import Workplace

UNSUPPORTED: Final = "sniff"
"""The stage that tells types: what it refuses was never media."""

SEGMENTS: Final = "segments"
"""The stage that finds files of which nothing was embedded."""

NOTHING_FOUND: Final = "nothing-found"
NO_ENCODER: Final = "no-encoder"

_NAMED: Final = 3  # reasons that an error names
_SHOWN: Final = 120  # characters of a message in an error
_WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        NOTHING_FOUND: "it was decoded, and there is nothing in it to be embedded",
        NO_ENCODER: "the preset has no encoder for {modality}, and found nothing else in it",
    }
)

Parts = Mapping[EncoderKey, Mapping[Path, PartRecord]]
Segments = Mapping[Modality, pa.Table]


def quarantine(
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
    """Rows of the files of which nothing was embedded and nothing was said.

    A preset may read subtitles or sound in videos and have no encoder for their pictures: where
    a video has neither, nothing failed.
    """
    named = told.union(*(table["content_id"].unique().to_pylist() for table in segments.values()))
    own = {key.modality for key in parts}
    for file in found.files:
        if file.content_id in named:
            continue
        reason = NOTHING_FOUND if file.modality in own else NO_ENCODER
        yield Rejection(
            file.root,
            file.path,
            file.content_id,
            SEGMENTS,
            reason,
            _WHY[reason].format(modality=file.modality),
            "mmindex",
        )


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
        + (f" ({message[:_SHOWN]})" if (message := of[0]["message"]) else "")
        for (stage, reason), of in ranked[:_NAMED]
    ]
    more = len(ranked) - _NAMED
    return "; ".join([*said, *([f"and {more} more reasons"] if more > 0 else [])])
