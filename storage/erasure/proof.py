"""The proof of an erasure: every byte of the lake is read, and nothing of the erased found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.erasure.orders import place
from storage.erasure.scan import Scanner
from storage.erasure.traces import Traces, distinctive
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.places.place import is_local, opened
from storage.places.reach import reach
from storage.tables import part_metadata, stream_part, vectors_of

UNREADABLE: Final = "cannot be read"
_VECTOR: Final = "vector"
_THUMBNAIL: Final = "thumbnail"
_ID: Final = ("segment_id", "item_id")


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read, for how many patterns, and which files hold what of it, or may."""

    files: int
    bytes: int
    patterns: int
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)  # file → kinds of traces


def prove(layout: Layout, traces: Traces, common: Iterable[bytes] = ()) -> Proof:
    """Look for ``traces`` in every file below the lake, raw and, Parquet, decoded too.

    Links are followed. What cannot be listed or read is left, since nobody can tell what it holds;
    the erasure's own order is not looked into. The words ``common``, which others have too, are
    not looked for. Memory is bounded by a row group. A vector, or a thumbnail, that a row of
    somebody else has in common with the erased is no trace.
    """
    words = traces.words()
    patterns = traces.patterns() | {w: words[w] for w in words.keys() - set(common)}
    scanner = Scanner(patterns)
    found: dict[str, set[bytes]] = {}
    size, count, files = 0, 0, _Files.of(layout)
    for name, path in files:
        try:
            raw, length = _raw(scanner, path)
            found[name], size, count = raw, size + length, count + 1
            found[name] = raw | _decoded(scanner, path)
        except (OSError, CorruptLakeError) as error:
            if _is_there(path):  # else a note of the lock, a temporary file: it is gone
                files.trouble[name] = _why(error)
    suspected = {p: patterns[p] for seen in found.values() for p in seen}
    suspected = {p: kind for p, kind in suspected.items() if kind in (_VECTOR, _THUMBNAIL)}
    shared = _explained(files, traces, suspected) if suspected else set()
    left = {
        name: tuple(sorted({patterns[p] for p in seen - shared}))
        for name, seen in sorted(found.items())
        if seen - shared
    }
    for name, why in files.trouble.items():
        left[name] = (*left.get(name, ()), why)
    return Proof(count, size, len(patterns), dict(sorted(left.items())))


@dataclass(frozen=True, slots=True)
class _Files:
    """All files of a lake, and what could not be looked into."""

    paths: dict[str, Path]
    trouble: dict[str, str]

    @classmethod
    def of(cls, layout: Layout) -> _Files:
        found = reach(layout.root)
        paths = {name: layout.root / name for name in found.files}
        paths.pop(layout.relative(place(layout)), None)
        trouble = dict(found.trouble)
        if not is_local(layout.root):  # a local folder beside the remote lake
            beside = reach(layout.staging)
            paths |= {str(layout.staging / name): layout.staging / name for name in beside.files}
            trouble |= {str(layout.staging / n): why for n, why in beside.trouble.items()}
        return cls(paths, trouble)

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        return iter(self.paths.items())


def _why(error: OSError | CorruptLakeError) -> str:
    return f"cannot be read: {error.why}" if isinstance(error, CorruptLakeError) else UNREADABLE


def _is_there(path: Path) -> bool:
    return os.path.lexists(path) if is_local(path) else path.exists()


def _raw(scanner: Scanner, path: Path) -> tuple[set[bytes], int]:
    with opened(path) as file:
        return scanner.found_in_file(file)


def _decoded(scanner: Scanner, path: Path) -> set[bytes]:
    """What stands in the columns and in the footer of a Parquet file."""
    if path.suffix != ".parquet":
        return set()
    footer = "\0".join(f"{k}\0{v}" for k, v in part_metadata(path).items())
    found = scanner.found_in(footer.encode("utf-8", "surrogateescape"))
    for rows in stream_part(path):
        for column in rows.columns:
            for chunk in column.chunks:
                found |= scanner.found_in(_plain(chunk))
    return found


def _plain(array: Any) -> bytes:
    """The values of an array end to end; of strings with a zero between them."""
    kind = array.type
    array = array.drop_null()
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _plain(array.flatten())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "\0".join(array.to_pylist()).encode("utf-8", "surrogateescape")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return b"\0".join(array.to_pylist())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).tobytes()
    return "\0".join(map(str, array.to_pylist())).encode("utf-8", "surrogateescape")


def _explained(files: _Files, traces: Traces, suspected: Mapping[bytes, str]) -> set[bytes]:
    """Of vectors and thumbnails found: those that a row of a segment or item that stays has."""
    gone: Mapping[str, Any] = {
        "segment_id": np.fromiter(traces.segments, np.int64, len(traces.segments)),
        "item_id": np.fromiter(traces.items, np.int64, len(traces.items)),
    }
    pictures = Scanner(p for p, kind in suspected.items() if kind == _THUMBNAIL)
    found: set[bytes] = set()
    for name, path in files:
        if path.suffix != ".parquet" or name in files.trouble:
            continue
        for rows in stream_part(path, [*_ID, _VECTOR, _THUMBNAIL]):
            key = next((k for k in _ID if k in rows.column_names), None)
            if key is None or _VECTOR not in rows.column_names or not rows.num_rows:
                continue
            stays = ~np.isin(rows[key].to_numpy(), gone[key])
            found.update(_known(vectors_of(rows)[stays], suspected))
            if _THUMBNAIL in rows.column_names:
                for chunk in rows[_THUMBNAIL].filter(pa.array(stays)).chunks:
                    found |= pictures.found_in(_plain(chunk))
    return found


def _known(vectors: NDArray[np.float32], suspected: Mapping[bytes, str]) -> Iterator[bytes]:
    """The suspected bytes that vectors (n, d) have, in either dtype."""
    for vector in vectors:
        for form in (vector, vector.astype(np.float16)):
            known = distinctive(form.tobytes())
            if known is not None and known in suspected:
                yield known
