"""Lakes that searches are measured in: made of vectors that are there, no model looks at a file.

What they are made like is the lake of the public set: its encoders, its projection, its texts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.index_data import repeated
from mmcore.encoders.projections import Projection
from mmcore.fusion.base import fusion_of
from mmcore.fusion.pooling import Members, fuse_items
from mmcore.search.opened.models import PROJECTION, published_projection, spec_of
from mmcore.search.words.made import words_table
from mmcore.types import Ids, Vectors
from storage import models, schemas, tables
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index, build_name, built
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.kinds import exact_is_cheap
from storage.indexes.files import write_index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.layout import Layout, space_folder
from storage.locks import writer_lock
from storage.manifest import IndexEntry, Manifest, entry
from storage.publication import publish
from storage.published import current
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot
from tasks.projections import projection_entry

ROOT = "made"
JITTER = 0.3  # of a vector's length: how far a copy lies from what it is made of
MORE = 4  # words that are added to the text of a copy
_STEEP = 1.1  # Zipf's law of the added words
_CHEAP = 50_000_000  # numbers up to which an index is exact, as mmindex has it


@dataclass(frozen=True, slots=True, eq=False)
class Medium:
    """Segments, each once by item, and their vectors in the shared space."""

    segments: pa.Table  # schemas.SEGMENTS
    ids: Ids  # (n,) of the segments, sorted, each once
    vectors: Vectors  # (n, d)

    def pairs(self) -> Members:
        """The segments by item."""
        wanted = self.segments["segment_id"].to_numpy()
        place = np.searchsorted(self.ids, wanted)
        return Members(self.segments["item_id"].to_numpy(), wanted, self.vectors[place])

    def kept(self, items: Collection[int], without: Collection[str]) -> Medium:
        """Those of some items, without some contents."""
        table = self.segments
        owners = zip(table["item_id"].to_pylist(), table["content_id"].to_pylist(), strict=True)
        mask = [item in items and content not in without for item, content in owners]
        table = table.filter(pa.array(mask, pa.bool_()))
        left = np.isin(self.ids, table["segment_id"].to_numpy())
        return Medium(table, self.ids[left], self.vectors[left])


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """All rows of a lake."""

    items: pa.Table
    files: pa.Table
    item_files: pa.Table
    media: Mapping[Modality, Medium]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Made:
        """What a snapshot has."""
        names = ("items", "files", "item_files")
        media = {}
        for modality in (Modality.IMAGE, Modality.TEXT, Modality.AUDIO):
            _, ids, vectors = snapshot.vectors(modality)
            rows = snapshot.rows(f"segments/{modality}").select(schemas.SEGMENTS.names)
            media[modality] = Medium(rows, ids, vectors)
        return cls(*(snapshot.rows(name) for name in names), media)

    def kept(self, items: Collection[int], without: Collection[str] = ()) -> Made:
        """Some of its items, without the files of some contents."""

        def left(table: pa.Table, column: str, keep: Callable[[object], bool]) -> pa.Table:
            return table.filter(pa.array([keep(one) for one in table[column].to_pylist()]))

        def stays(content: object) -> bool:
            return content not in without

        return Made(
            left(self.items, "item_id", items.__contains__),
            left(self.files, "content_id", stays),
            left(
                left(self.item_files, "item_id", items.__contains__),
                "content_id",
                stays,
            ),
            {name: medium.kept(items, without) for name, medium in self.media.items()},
        )

    def renamed(self, keys: Sequence[str]) -> Made:
        """The same with other keys; all ids stay."""
        place = self.items.schema.get_field_index("key")
        return replace(self, items=self.items.set_column(place, "key", pa.array(keys)))


def grown(base: Made, items: int, words: Sequence[str]) -> Made:
    """``items`` copies of the items of a lake, one after the other, round and round.

    A copy has a segment for each of its own, a little elsewhere (``JITTER``); its text has some
    ``words`` more, its key a number.
    """
    known = base.items["item_id"].to_numpy()
    turns = np.arange(items) // len(known)
    own = np.resize(known, items)
    keys = base.items["key"].take(pa.array(np.arange(items) % len(known)))
    names = [f"{key}_{turn}" for key, turn in zip(keys.to_pylist(), turns.tolist(), strict=True)]
    copies = np.array([schemas.item_id(ROOT, name) for name in names], dtype=np.int64)
    order = np.argsort(copies)
    copies, own, names = copies[order], own[order], [names[place] for place in order.tolist()]
    media = {name: _copied(medium, own, copies, words) for name, medium in base.media.items()}
    has = {name: np.isin(copies, m.segments["item_id"].to_numpy()) for name, m in media.items()}
    columns = {"item_id": pa.array(copies), "root": pa.repeat(ROOT, items)}
    columns |= {"key": pa.array(names)}
    columns |= {f"has_{name}": pa.array(told) for name, told in has.items()}
    columns |= {"has_video": pa.array(np.zeros(items, dtype=bool))}
    files, item_files = _files(media)
    return Made(_filled(columns, schemas.ITEMS, items), files, item_files, media)


def _copied(medium: Medium, own: Ids, copies: Ids, words: Sequence[str]) -> Medium:
    """Segments of the copies ``copies`` (n,) of the items ``own`` (n,); ids by their number."""
    pairs = medium.pairs()
    order = np.argsort(pairs.item_ids, kind="stable")
    sorted_items = pairs.item_ids[order]
    low, high = (np.searchsorted(sorted_items, own, side) for side in ("left", "right"))
    counts = high - low
    rows = order[_ranges(low, counts)]
    total = len(rows)
    ids = np.arange(1, total + 1, dtype=np.int64) * (2**62 // (total + 1))
    names = [f"{number:032x}" for number in ids.tolist()]
    table = medium.segments.take(pa.array(rows))
    changed = {"segment_id": pa.array(ids), "item_id": pa.array(np.repeat(copies, counts))}
    changed |= {"content_id": pa.array(names)}
    if table["text"].null_count < total:
        changed["text"] = pa.array(_longer(table["text"].to_pylist(), words))
    columns = [changed.get(name, table[name]) for name in schemas.SEGMENTS.names]
    vectors = repeated(pairs.vectors[rows], total, JITTER)
    return Medium(pa.table(columns, schema=schemas.SEGMENTS), ids, vectors)


def _ranges(low: Ids, counts: Ids) -> Ids:
    """All numbers of the ranges that begin at ``low``."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(low, counts) + within


def _longer(texts: Sequence[str | None], words: Sequence[str]) -> list[str]:
    """Each text with ``MORE`` words, common ones more often."""
    share = np.arange(1, len(words) + 1, dtype=np.float64) ** -_STEEP
    drawn = np.random.default_rng(1).choice(
        len(words), size=(len(texts), MORE), p=share / share.sum()
    )
    return [
        f"{text or ''} {' '.join(words[number] for number in row)}"
        for text, row in zip(texts, drawn.tolist(), strict=True)
    ]


def _files(media: Mapping[Modality, Medium]) -> tuple[pa.Table, pa.Table]:
    """A file for each segment, which none is behind."""
    of_files, of_items = [], []
    kinds = {Modality.IMAGE: "image/png", Modality.TEXT: "text/plain", Modality.AUDIO: "audio/wav"}
    for modality, medium in media.items():
        rows = medium.segments
        count, name = rows.num_rows, rows["content_id"]
        shared = {"root": pa.repeat(ROOT, count), "path": name, "content_id": name}
        kind = pa.repeat(str(modality), count)
        sizes = pa.array(np.full(count, 1000, dtype=np.int64))
        told = {"modality": kind, "media_type": pa.repeat(kinds[modality], count)}
        told |= {"size": sizes, "mtime_ns": sizes}
        of_files.append(_filled(shared | told, schemas.FILES, count))
        owned = shared | {"item_id": rows["item_id"], "role": kind}
        of_items.append(_filled(owned, schemas.ITEM_FILES, count))
    return pa.concat_tables(of_files), pa.concat_tables(of_items)


def _filled(columns: Mapping[str, pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    """A table of ``schema``; columns that are not given are null."""
    given = [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema]
    return pa.table(given, schema=schema)


def published(layout: Layout, made: Made, like: Snapshot, projection: Projection) -> Snapshot:
    """Publish ``made`` as the next snapshot of a lake, with the encoders of ``like``.

    Its own vectors of the segments are left out: what searches is the indexes.
    """
    written = {"files": made.files, "items": made.items, "item_files": made.item_files}
    written |= {f"segments/{name}": medium.segments for name, medium in made.media.items()}
    written["words"] = words_table([made.media[Modality.TEXT].segments])
    paths: list[Path] = []
    for name, table in written.items():
        paths += tables.write_rows(layout.rows(name), table)
    if projection.version not in models.versions(layout, PROJECTION):
        models.store_model(layout, PROJECTION, projection.version, projection.to_files())
    paths += models.files_of(layout.model(PROJECTION, projection.version))
    indexes = _indexes(layout, made, like.manifest, projection)
    paths += [path for one in indexes for path in sorted((layout.root / one.path).iterdir())]
    fusion = like.manifest.fusion
    told = Manifest(
        parent=current(layout),
        run="benchmark",
        created_at=datetime.now(UTC),
        preset=like.manifest.preset,
        files=[entry(layout.root, path, {}) for path in dict.fromkeys(paths)],
        encoders=like.manifest.encoders,
        projection=projection_entry(projection),
        fusion=fusion and fusion.model_copy(update={"space": projection.space}),
        indexes=indexes,
        specs=like.manifest.specs,
        counts={"items": made.items.num_rows, "files": made.files.num_rows},
    )
    with writer_lock(layout):
        return Snapshot.of(layout, publish(layout, told))


def _indexes(
    layout: Layout, made: Made, like: Manifest, projection: Projection
) -> list[IndexEntry]:
    """One a medium and one of whole items, as `mmindex index` builds them."""
    members = {name: medium.pairs() for name, medium in made.media.items()}
    if like.fusion is None or like.fusion.version is not None:
        raise SystemExit("the lake that all is made of has to have the fusion `mean`")
    fused = fuse_items(projection.space, fusion_of(spec_of(like.fusion)), members)
    if fused is None:
        raise SystemExit("there is nothing to fuse")
    rows = {str(name): (medium.ids, medium.vectors) for name, medium in made.media.items()}
    rows[FUSED] = (fused.item_ids, fused.vectors)
    return [
        _index(layout, name, projection.space, of, rows[Modality.TEXT][1])
        for name, of in rows.items()
        if len(of[0])
    ]


def _index(
    layout: Layout, modality: str, space: str, rows: tuple[Ids, Vectors], asked: Vectors
) -> IndexEntry:
    (ids, vectors), name = rows, f"{space_folder(space)}-{modality}"
    build = build_name(ids, vectors)
    folder, dim = layout.index(name, build), vectors.shape[1]
    card = IndexCard(
        space=space,
        modality=modality,
        dim=dim,
        rows=len(ids),
        created_at=datetime.now(UTC),
        build=build,
    )
    goal = Goal(recall=0.98, cheap=_CHEAP)
    if folder.exists():
        pass
    elif exact_is_cheap(len(ids), dim, goal):
        write_index(folder, build_index(ids, vectors), card)
    else:
        some = asked[np.random.default_rng(2).permutation(len(asked))[:1000]]
        questions = Questions(some, np.full(len(some), "text"))
        built(Whole(folder), ids, vectors, questions, goal, card)
    path = layout.relative(folder)
    return IndexEntry(name=name, path=path, space=space, modality=modality, rows=len(ids), dim=dim)


def projection_of(snapshot: Snapshot) -> Projection:
    """That of a lake of the set."""
    found = published_projection(snapshot)
    if found is None:
        raise SystemExit("the lake has no projection: is the set complete?")
    return found


def vocabulary(base: Made) -> list[str]:
    """The words of a lake's texts, in the order in which they come."""
    rows = base.media[Modality.TEXT].segments
    words = words_table([rows])["words"]
    return [*dict.fromkeys(word for row in words.to_pylist() for word in row if len(word) > 1)]
