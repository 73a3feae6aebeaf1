"""What models say they were fitted on, written anew without what was erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mmcore.training import unlearning
from mmcore.training.split import key_of
from storage import models
from storage.erasure.orders import Order, TrainedOn
from storage.erasure.traces import Traces
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import folders
from storage.schemas import Modality, is_caption, is_record, record_name
from storage.snapshot import Snapshot


def unlearn(
    lake: Layout, order: Order, traces: Traces, kept: list[Snapshot]
) -> tuple[tuple[TrainedOn, ...], dict[str, Path]]:
    """Write each record that names something of the erased, or a caption in words, anew beside it.

    Returns the models, and the new records by the old ones' paths below the lake. What no manifest
    names is left out if an erasure that was interrupted replaced it: it has a successor.
    """
    keys = {key_of(text) for text in traces.texts.values()} | traces.captions
    named = {file.path for one in kept for file in one.manifest.files}
    found, now = [], dict[str, Path]()
    for path in _records(lake):
        name = lake.relative(path)
        if name in order.replaced and name not in named:
            continue
        record = path.read_bytes()
        told = unlearning.without(record, order.contents, keys)
        if told is not None and told.captions:  # rarely
            keys = keys - _staying_keys(kept, order, keys)
            told = unlearning.without(record, order.contents, keys)
        if told is None:
            continue
        now[name] = path.with_name(record_name(told.record))
        if not now[name].exists():
            write_bytes(now[name], told.record)
        if told.contents or told.captions:
            model = f"{path.parent.parent.name}/{path.parent.name}"
            found.append(TrainedOn(model, told.contents, told.captions))
    return tuple(found), now


def _records(lake: Layout) -> Iterator[Path]:
    for name in folders(lake.root / "models", links=True):
        for version in folders(name, links=True):
            yield from (path for path in models.files_of(version) if is_record(path.name))


def _staying_keys(kept: Iterable[Snapshot], order: Order, keys: set[str]) -> set[str]:
    """Those of ``keys`` that a text which stays has too."""
    found: set[str] = set()
    for snapshot in kept:
        if snapshot.manifest.private:
            rows = snapshot.rows("captions").to_pylist()
            found |= {row["key"] for row in rows if row["content_id"] not in order.contents}
            continue
        columns = ["segment_id", "content_id", "source", "start", "text"]
        chunks: dict[str, dict[tuple[float, int], str]] = {}
        for row in snapshot.rows(f"segments/{Modality.TEXT}", columns).to_pylist():
            if row["content_id"] not in order.contents and is_caption(row["source"]):
                own = chunks.setdefault(row["content_id"], {})
                own[row["start"] or 0.0, row["segment_id"]] = row["text"] or ""
        found |= {key_of(" ".join(of[at] for at in sorted(of))) for of in chunks.values()}
    return found & keys
