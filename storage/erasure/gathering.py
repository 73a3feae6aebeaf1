"""Find in a lake what is there of the erased, and what others have in common with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage.erasure.orders import Order
from storage.erasure.scan import Scanner
from storage.erasure.traces import Traces, distinctive, known_by
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.places.reach import reach
from storage.schemas import MODALITIES, is_caption
from storage.snapshot import Snapshot
from storage.tables import stream_part, vectors_of

Ids = NDArray[np.int64]
Place = tuple[str, str]

_AREAS: Final = ("item_files", "items", "captions", "segments", "embeddings", "spaces", "fused")
_KEYS: Final = {"spaces": "segment_id", "fused": "item_id"}
_OF_SEGMENTS: Final = (
    *("segment_id", "content_id", "source", "start", "text", "thumbnail", "vector"),
)
_STRINGS: Final = {
    "files": ("root", "path"),
    "items": ("root", "key"),
    "item_files": ("path",),
    "segments": ("text",),
    "quarantine": ("path", "message"),
    "words": ("words",),
}  # what may hold a name or a text


class Gathering:
    """What any file of a lake, named by a snapshot or not, holds of what an order names."""

    def __init__(self, layout: Layout, order: Order, snapshots: Iterable[Snapshot]) -> None:
        self._layout, self._order = layout, order
        self._kept = list(snapshots)
        self._named = {file.path for one in self._kept for file in one.manifest.files}
        self._items = np.fromiter(order.items, np.int64, len(order.items))
        self._contents = pa.array(sorted(order.contents), pa.string())
        self._segments: set[int] = set()
        self._keys: set[str] = set()
        self._captions: set[str] = set()
        self._vectors: set[bytes] = set()
        self._thumbnails: set[bytes] = set()
        self._held: set[Place] = set()
        self._still: set[Place] = set()  # what no snapshot names does not stay
        self._texts: defaultdict[str, dict[tuple[float, int], str]] = defaultdict(dict)

    def traces(self) -> Traces:
        """Read the lake's rows, and the vectors of the parts that have something of the erased.

        Also the fused vectors of items that lose one of their contents.
        """
        for area in _AREAS:
            for name in reach(self._layout.root / area).files:
                if name.endswith(".parquet"):
                    self._try(area, f"{area}/{name}")
        for name in sorted(self._named):
            if name.startswith("item_files/"):
                self._staying(self._layout.root / name)
        for snapshot in self._kept:
            self._outdated(snapshot)
        return Traces(
            contents=self._order.contents,
            items=self._order.items,
            segments=frozenset(self._segments),
            paths=frozenset(path for _, path in self.lost),
            keys=frozenset(self._keys),
            texts={c: " ".join(of[at] for at in sorted(of)) for c, of in self._texts.items()},
            captions=frozenset(self._captions),
            vectors=frozenset(self._vectors),
            thumbnails=frozenset(self._thumbnails),
        )

    @property
    def lost(self) -> set[Place]:
        """Where files of the erased were, and no other item has one; call ``traces`` first."""
        return self._held - self._still

    def in_common(self, words: Iterable[bytes]) -> set[bytes]:
        """Which of ``words`` stand in rows that stay; call ``traces`` first."""
        scanner, found = Scanner(words), set[bytes]()
        for name in sorted(self._named):
            columns = _STRINGS.get(name.partition("/")[0])
            if columns is None or not name.endswith(".parquet"):
                continue
            for rows in stream_part(self._layout.root / name):
                staying = rows.filter(pa.array(self._stays(rows)))
                for column in columns:
                    texts = _strings(staying[column])
                    found |= scanner.found_in("\0".join(texts).encode("utf-8", "surrogateescape"))
        return found

    def _stays(self, rows: pa.Table) -> NDArray[np.bool_]:
        stays = np.ones(rows.num_rows, dtype=bool)
        if "item_id" in rows.column_names:
            stays &= ~np.isin(rows["item_id"].to_numpy(), self._items)
        if "content_id" in rows.column_names:
            stays &= ~self._of_contents(rows)
        elif "segment_id" in rows.column_names:
            gone = np.fromiter(self._segments, np.int64, len(self._segments))
            stays &= ~np.isin(rows["segment_id"].to_numpy(), gone)
        if "path" in rows.column_names:
            lost = self.lost
            paths = pa.array(sorted({path for _, path in lost}), pa.string())
            near = np.flatnonzero(np.asarray(pc.is_in(rows["path"], paths)))
            own = _places(rows.take(pa.array(near, pa.int64())))
            stays[near] &= np.fromiter((place not in lost for place in own), bool, len(near))
        return stays

    def _try(self, area: str, name: str) -> None:
        try:
            self._read(area, self._layout.root / name)
        except CorruptLakeError:
            if name in self._named:  # what no snapshot needs, and nobody can read, is removed
                raise

    def _read(self, area: str, path: Path) -> None:
        if area == "item_files":
            for rows in stream_part(path):
                self._held.update(_places(rows.filter(pa.array(self._gone(rows)))))
        elif area == "items":
            for rows in stream_part(path, ["item_id", "key"]):
                mine = np.isin(rows["item_id"].to_numpy(), self._items)
                self._keys.update(rows.filter(pa.array(mine))["key"].to_pylist())
        elif area == "captions":
            for rows in stream_part(path, ["content_id", "key"]):
                mine = rows.filter(pa.array(self._of_contents(rows)))
                self._captions.update(mine["key"].to_pylist())
        elif area in _KEYS:
            self._derived(path, _KEYS[area])
        else:
            self._described(path)

    def _staying(self, path: Path) -> None:
        """Of the places that the erased have: those that others have too."""
        paths = pa.array(sorted({path for _, path in self._held}), pa.string())
        for rows in stream_part(path):
            mine = rows.filter(pc.is_in(rows["path"], paths))
            self._still.update(_places(mine.filter(pa.array(~self._gone(mine)))))

    def _gone(self, rows: pa.Table) -> NDArray[np.bool_]:
        return np.isin(rows["item_id"].to_numpy(), self._items) | self._of_contents(rows)

    def _described(self, path: Path) -> None:
        """Segments, or cells, which have a vector too, and maybe a thumbnail."""
        if not any(self._of_contents(rows).any() for rows in stream_part(path, ["content_id"])):
            return
        for rows in stream_part(path, _OF_SEGMENTS):
            mine = rows.filter(pa.array(self._of_contents(rows)))
            self._segments.update(mine["segment_id"].to_pylist())
            self._add_texts(mine)
            if "thumbnail" in mine.column_names:
                known = map(known_by, mine["thumbnail"].drop_null().to_pylist())
                self._thumbnails.update(one for one in known if one is not None)
            if "vector" in mine.column_names and mine.num_rows:
                self._add(vectors_of(mine))

    def _add_texts(self, mine: pa.Table) -> None:
        """A caption's chunks are one text; what was read or heard stands in rows of its own."""
        for row in mine.select(
            ["segment_id", "content_id", "source", "start", "text"]
        ).to_pylist():
            if row["text"]:
                whole = is_caption(row["source"])
                text = row["content_id"] if whole else f"{row['content_id']}/{row['segment_id']}"
                self._texts[text][row["start"] or 0.0, row["segment_id"]] = row["text"]

    def _derived(self, path: Path, key: str) -> None:
        """Projected or fused vectors; segments are known from the cells, which come before."""
        ids = self._items if key == "item_id" else np.fromiter(self._segments, np.int64)
        for rows in stream_part(path, [key]):
            if np.isin(rows[key].to_numpy(), ids).any():
                break
        else:
            return
        for rows in stream_part(path, [key, "vector"]):
            mine = rows.filter(pa.array(np.isin(rows[key].to_numpy(), ids)))
            if mine.num_rows:
                self._add(vectors_of(mine))

    def _outdated(self, snapshot: Snapshot) -> None:
        """The fused vectors of items that lose a content."""
        fused, losing = snapshot.fused(), [np.empty(0, np.int64)]
        for modality in MODALITIES if fused is not None else ():
            rows = snapshot.rows(f"segments/{modality}", ["item_id", "content_id"])
            losing.append(rows.filter(pa.array(self._of_contents(rows)))["item_id"].to_numpy())
        if fused is not None:
            self._add(fused[1][np.isin(fused[0], np.concatenate(losing))])

    def _of_contents(self, rows: pa.Table) -> NDArray[np.bool_]:
        found = pc.fill_null(pc.is_in(rows["content_id"], self._contents), False)
        return np.asarray(found).astype(bool)

    def _add(self, vectors: NDArray[np.float32]) -> None:
        """Vectors as they stand in a part of either dtype, and in an index."""
        forms: list[NDArray[Any]] = [vectors, vectors.astype(np.float16)]
        for form in forms:
            raw = (distinctive(vector.tobytes()) for vector in form)
            self._vectors.update(known for known in raw if known is not None)


def _strings(column: pa.ChunkedArray) -> list[str]:
    """The strings of a column, also of one of lists."""
    flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    found: list[str] = flat.drop_null().to_pylist()
    return found


def _places(rows: pa.Table) -> Iterator[Place]:
    return zip(rows["root"].to_pylist(), rows["path"].to_pylist(), strict=True)


def staying_places(
    snapshots: Iterable[Snapshot], order: Order, contents: Set[str]
) -> dict[str, Place]:
    """Of ``contents``: a place at which one still is, in a row that stays."""
    found: dict[str, Place] = {}
    items = np.fromiter(order.items, np.int64, len(order.items))
    wanted = pa.array(sorted(contents - order.contents), pa.string())
    for snapshot in snapshots:
        rows = snapshot.rows("item_files")
        stays = ~np.isin(rows["item_id"].to_numpy(), items)
        mine = rows.filter(pc.and_(pa.array(stays), pc.is_in(rows["content_id"], wanted)))
        for row in mine.to_pylist():
            place = row["root"], row["path"]
            found[row["content_id"]] = min(place, found.get(row["content_id"], place))
    return found
