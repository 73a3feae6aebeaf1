"""How much of a lake can be searched: counts over its tables of rows."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.evaluation.scores import Coverage
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot


def coverage(snapshot: Snapshot, also: Snapshot | None = None) -> list[Coverage]:
    """One row for each modality that the lake has files or segments of.

    ``also``: count the contents alone that this snapshot has files of, too.
    """
    files = snapshot.rows("files", ["content_id", "modality"])
    if also is not None:
        held = also.rows("files", ["content_id"])["content_id"]
        files = files.filter(pc.is_in(files["content_id"], value_set=pc.unique(held)))
    rejected = pc.drop_null(pc.unique(snapshot.rows("quarantine", ["content_id"])["content_id"]))
    found = [_modality(snapshot, modality, files, rejected) for modality in MODALITIES]
    return [row for row in found if row.files or row.segments]


def languages(snapshot: Snapshot) -> dict[str, int]:
    """Text contents by the language that was detected."""
    texts = snapshot.rows(f"segments/{Modality.TEXT}", ["content_id", "language"])
    pairs = texts.group_by(["content_id", "language"]).aggregate([])
    return dict(sorted(Counter(name or "other" for name in pairs["language"].to_pylist()).items()))


def quarantine(snapshot: Snapshot) -> dict[str, int]:
    """Rows of the quarantine by reason, the most frequent first."""
    reasons = Counter(snapshot.rows("quarantine", ["reason"])["reason"].to_pylist())
    return dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))


def _modality(
    snapshot: Snapshot, modality: Modality, files: pa.Table, rejected: pa.Array
) -> Coverage:
    mine = files.filter(pc.equal(files["modality"], modality))["content_id"]
    contents = pc.unique(mine)
    columns = ["segment_id", "item_id", "content_id"]
    segments = snapshot.rows(f"segments/{modality}", columns)
    return Coverage(
        modality=modality,
        files=len(mine),
        contents=len(contents),
        embedded=_among(contents, pc.unique(segments["content_id"])),
        quarantined=_among(contents, rejected),
        segments=pc.count_distinct(segments["segment_id"]).as_py(),
        items=pc.count_distinct(segments["item_id"]).as_py(),
    )


def _among(contents: pa.Array, known: pa.Array) -> int:
    return int(pc.sum(pc.is_in(contents, known)).as_py() or 0)
