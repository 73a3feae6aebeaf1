"""Faults planted in a run of `mmindex index`, after whatever would catch them before the gate.

    python -m benchmarks.gate_plants PLANT index stamps=MEDIA --lake LAKE …

runs the real command in this process, one of its stages changed. Files that a plant writes have
right sizes and checksums, and the stages after it work on what it left. What finds a plant
without such care is told by ``CAUGHT``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmcore.training.rows import Rows
from mmcore.types import Vectors
from storage import tables
from storage.indexes.card import CARD, CODES, VECTORS, Setting, read_card
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill, trained
from storage.indexes.choosing.vectors_file import write_vectors
from storage.indexes.reading import write_faiss
from storage.manifest import IndexEntry, Manifest
from storage.places.atomic import write_bytes
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.workplace import Workplace

SHUFFLED = 0.05
LONGER = np.float32(1.3)
LISTS = 32

Plant = Callable[[Manifest, Workplace, Snapshot | None], Manifest]


def _of(manifest: Manifest, work: Workplace, modality: Modality) -> list[str]:
    """The parts with the vectors of a modality that are searched."""
    folder = work.lake.space(manifest.spaces(modality)[0], modality, manifest.dtype)
    return manifest.paths(work.lake.relative(folder))


def _rewritten(
    manifest: Manifest, work: Workplace, modality: Modality, change: Callable[[Vectors], Vectors]
) -> Manifest:
    """The manifest with other vectors in the parts of a modality, under other names."""
    names = _of(manifest, work, modality)
    parts = [work.lake.root / name for name in names]
    read = [tables.read_parts([part]) for part in parts]
    changed = change(np.concatenate([tables.vectors_of(table) for table in read]))
    made, start = [], 0
    for part, table in zip(parts, read, strict=True):
        vectors = changed[start : start + table.num_rows]
        start += table.num_rows
        column = tables.vector_column(vectors, manifest.dtype)
        rows = table.set_column(table.column_names.index("vector"), "vector", column)
        name = hashlib.sha256(vectors.tobytes()).hexdigest()[:16]
        told = {
            key: value
            for key, value in tables.part_metadata(part).items()
            if key != "mmindex.schema_version"
        }
        made.append(tables.write_part(part.with_name(f"part-{name}.parquet"), rows, told))
    return with_files(_without(manifest, names), made, work, None)


def _without(manifest: Manifest, names: list[str]) -> Manifest:
    files = [file for file in manifest.files if file.path not in set(names)]
    return manifest.model_copy(update={"files": files})


def shuffled(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """One picture in twenty has the vector of another."""
    return _rewritten(manifest, work, Modality.IMAGE, moved)


def moved(vectors: Vectors, share: float = SHUFFLED) -> Vectors:
    """The same rows, a ``share`` of them in each other's places."""
    rng = np.random.default_rng(1)
    places = rng.choice(len(vectors), max(2, round(share * len(vectors))), replace=False)
    found = vectors.copy()
    found[places] = vectors[np.roll(places, 1)]
    return found


def lengthened(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """Pictures' vectors are 1.3 long."""
    return _rewritten(manifest, work, Modality.IMAGE, lambda vectors: vectors * LONGER)


def silent(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """No sound has a vector any more; their files are where they were."""
    gone = [
        file.path
        for file in manifest.files
        if f"/{Modality.AUDIO}/" in file.path
        and file.path.startswith(("embeddings/", "spaces/", "segments/"))
    ]
    return _without(manifest, gone)


def stale(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """The index of pictures is that of the last snapshot, though items went and came."""
    if published is None:
        raise SystemExit("publish a snapshot first")
    before = next(e for e in published.manifest.indexes if e.modality == Modality.IMAGE)
    return _exchanged(manifest, work, before, published)


def _exchanged(
    manifest: Manifest, work: Workplace, entry: IndexEntry, published: Snapshot | None
) -> Manifest:
    """The manifest with another index in the place of the one that has its name."""
    old = next(one for one in manifest.indexes if one.modality == entry.modality)
    bare = _without(manifest, manifest.paths(old.path))
    indexes = [entry if one is old else one for one in manifest.indexes]
    card = work.lake.root / entry.path / CARD
    files = [card.with_name(name) for name in read_card(card).names]
    return with_files(bare.model_copy(update={"indexes": indexes}), files, work, published)


def probing_one(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """The index of pictures has inverted lists, and its card says to read one of them."""
    old = next(one for one in manifest.indexes if one.modality == Modality.IMAGE)
    _, ids, vectors = Snapshot.of(work.lake, manifest).vectors(Modality.IMAGE, space=old.space)
    order = np.argsort(ids)
    ids, vectors = ids[order], vectors[order]
    lists = max(2, min(LISTS, len(ids) // 8))  # a lake of this size would have none
    made = kind_named("ivf-flat", 1 << 20, vectors.shape[1])
    kind = replace(made, factory=f"IVF{lists},Flat", lists=lists)
    index = fill(trained(kind, vectors.shape[1], vectors), ids, vectors)
    folder = work.lake.index(old.name, "planted")
    write_vectors(folder / VECTORS, ids, vectors.shape[1], [(np.arange(len(ids)), vectors)])
    write_faiss(folder / CODES, index)
    card = read_card(work.lake.root / old.path / CARD).model_copy(
        update={
            "type": kind.name,
            "setting": Setting(nprobe=1),
            "files": (CODES, VECTORS),
            "build": "planted",
        }
    )
    write_bytes(folder / CARD, card.model_dump_json(indent=2).encode())
    entry = old.model_copy(update={"path": work.lake.relative(folder)})
    return _exchanged(manifest, work, entry, None)


def nothing(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """As it is: the control."""
    return manifest


@dataclass(frozen=True, slots=True)
class Stage:
    """After which stage of the flow a plant comes; or what it does to a model."""

    name: str
    plant: Plant = nothing
    prepare: Callable[[], None] = lambda: None


def wrong_head() -> None:
    """Make the run fit its projection anew, on pictures and sounds of other items."""
    from tasks import train as stage

    train: Any = stage
    fit = train.fit_projection

    def on_other_pairs(texts: Rows, media: dict[str, Rows], *rest: Any, **named: Any) -> Any:
        rng = np.random.default_rng(2)
        turned = {
            name: replace(rows, vectors=rows.vectors[rng.permutation(len(rows))])
            for name, rows in media.items()
        }
        return fit(texts, turned, *rest, **named)

    train.load_projection = lambda *_: None
    train.fit_projection = on_other_pairs


def deaf_to_chinese() -> None:
    """Make the text encoder another version, which has noise for whatever is Chinese."""
    from benchmarks.gate_noise import everywhere

    everywhere()


PLANTS = {
    "nothing": Stage("build_indexes"),
    "wrong head": Stage("", prepare=wrong_head),
    "5 % of picture vectors shuffled": Stage("project_cells", shuffled),
    "Chinese is noise, new fingerprint": Stage("", prepare=deaf_to_chinese),
    "nprobe = 1 in the card of an IVF": Stage("build_indexes", probing_one),
    "sounds without vectors": Stage("project_cells", silent),
    "picture vectors x 1.3, before the index": Stage("project_cells", lengthened),
    "picture vectors x 1.3": Stage("build_indexes", lengthened),
    "index of the snapshot before": Stage("build_indexes", stale),
}

CAUGHT = {
    "5 % of picture vectors shuffled": "`verify`: checksums, were the old files changed",
    "nprobe = 1 in the card of an IVF": "`verify`: the card's checksum",
    "sounds without vectors": "opening: a file that the manifest names is missing",
    "picture vectors x 1.3": "building an index with a goal: a length that is not 1 stops the run",
    "index of the snapshot before": "opening: a file has not the size that the manifest says",
}
"""What finds a plant where it is not made with care."""


def planted(name: str, flow: Any) -> None:
    """Change a stage of the ``flow``, a module, in this process."""
    stage = PLANTS[name]
    stage.prepare()
    if not stage.name:
        return
    before = getattr(flow, stage.name)

    def after(manifest: Manifest, *arguments: Any, **named: Any) -> Manifest:
        made: Manifest = before(manifest, *arguments, **named)
        every = [*arguments, *named.values()]
        work = next(one for one in every if isinstance(one, Workplace))
        published = next((one for one in every if isinstance(one, Snapshot)), None)
        return stage.plant(made, work, published)

    setattr(flow, stage.name, after)


def main() -> None:
    """Plant, and run the command that follows."""
    name, *arguments = sys.argv[1:]
    from flows import index_media
    from flows.cli import main as command

    planted(name, index_media)

    sys.argv = ["mmindex", *arguments]
    command()


if __name__ == "__main__":
    main()
