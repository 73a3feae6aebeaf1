"""Small published lakes with a quarantine, made without a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mmcore.rows import quarantine_table
from mmcore.types import Rejection, Span
from storage.candidates import block, write_candidate
from storage.layout import Layout
from storage.manifest import Manifest
from storage.publication import publish
from storage.snapshot import Snapshot
from storage.tables import write_rows
from tests.factories import candidate, entries

WHEN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
CONTENT = "0123456789abcdef" * 2


def refused(path: str, stage: str = "image", reason: str = "decode-error", **more) -> Rejection:
    """A file of the root ``photos`` that could not be used."""
    told = {
        "root": "photos",
        "content_id": CONTENT,
        "message": "it ends early",
        "decoder": "pillow 12",
    }
    return Rejection(path=path, stage=stage, reason=reason, **{**told, **more})


def page(number: int) -> Span:
    """A page of a document, counted from 0."""
    return Span(float(number), float(number + 1), "page")


def quarantined(root: Path, rejections: Sequence[Rejection], **fields) -> Snapshot:
    """Publish a snapshot with these in quarantine, seen twice."""
    layout = Layout(root)
    manifest = _with(layout, rejections, sources={"photos": "/media/photos"}, **fields)
    return Snapshot.of(layout, publish(layout, manifest))


def stopped(root: Path, rejections: Sequence[Rejection], why: str) -> None:
    """Leave the candidate of a run that was not allowed to publish."""
    layout = Layout(root)
    write_candidate(layout, _with(layout, rejections, run="20261126T010000-test", number=9))
    block(layout, "20261126T010000-test", why)


def _with(layout: Layout, rejections: Sequence[Rejection], **fields) -> Manifest:
    manifest = candidate(layout, ["cat"])
    first = quarantine_table(rejections, None, WHEN)
    table = quarantine_table([*rejections, refused("new")], first, WHEN + timedelta(days=5))
    table = table.filter([path != "new" for path in table["path"].to_pylist()])
    paths = write_rows(layout.rows("quarantine"), table)
    kept = [file for file in manifest.files if not file.path.startswith("quarantine/")]
    return manifest.model_copy(update={"files": [*kept, *entries(layout, paths)], **fields})
