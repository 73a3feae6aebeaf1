"""Rewriting: new parts that hold some rows of old ones, copied as they are stored.

No model is run and no vector is rounded again. A part is streamed by row group, so that memory
does not grow with it, and gets a name of its own; the old ones stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.cells import free_path, part_path
from storage.errors import CorruptLakeError
from storage.formats import PICTURE_BYTES, Compression, picture_bytes, rows_per_group
from storage.manifest import sha256
from storage.parquet import footer, schema_of
from storage.records import RECORD, PartRecord, record_text
from storage.schemas import digest, dtype_of, embeddings_schema
from storage.tables import part_metadata, part_writer, reading, stream_part

Mask = Callable[[pa.Table], NDArray[np.bool_]]

_AS_STORED: Final = pa.schema([])


def merged(
    folder: Path, sources: Sequence[Path], record: PartRecord, sums: Sequence[str] = ()
) -> Path:
    """The part in ``folder`` with the record ``record``, and its cells from ``sources``.

    Those are the rows of the contents that it holds as done, in the order of the sources; of a
    segment that several have, the first counts. Named by the record and the sources' SHA-256s
    (``sums``, where they are known): one that is there is kept. The footer's other keys are those
    on which all sources agree.
    """
    path = merged_path(folder, sums or [sha256(source) for source in sources], record)
    if path.exists():
        return path
    done = frozenset(record.done)

    def of_done(rows: pa.Table) -> NDArray[np.bool_]:
        coded = rows["content_id"].combine_chunks().dictionary_encode()
        wanted = np.array([c in done for c in coded.dictionary.to_pylist()], dtype=bool)
        mask: NDArray[np.bool_] = wanted[coded.indices.to_numpy()]
        return mask

    footers = _common(sources) | {RECORD: record_text(record)}
    return _copied(path, _cells(sources), of_done, footers)


def merged_path(folder: Path, sums: Sequence[str], record: PartRecord) -> Path:
    """Where ``merged`` puts the part of sources with the SHA-256s ``sums``; it may be there."""
    return free_path(part_path(folder, digest([record_text(record), list(sums)])), record)


def projected(folder: Path, cells: Path, sources: Sequence[Path]) -> Path:
    """The part of ``folder`` (of a shared space) that belongs to the rewritten part ``cells``.

    It has the same name, and of each of its segments the vector that the projected parts
    ``sources`` have. Raises CorruptLakeError when they lack one.
    """
    path = folder / cells.name
    if path.exists():
        return path
    wanted = np.sort(segments_of(cells))
    missing = np.setdiff1d(wanted, np.concatenate([_NONE, *map(segments_of, sources)]))
    if len(missing):
        why = f"lacks the vectors of {len(missing)} of the {len(wanted)} segments of {cells.name}"
        raise CorruptLakeError(folder, why)

    padded = np.append(wanted, -1)  # which is no id: above all ids there is none of them

    def is_wanted(rows: pa.Table) -> NDArray[np.bool_]:
        ids = rows["segment_id"].to_numpy()
        mask: NDArray[np.bool_] = padded[np.searchsorted(wanted, ids)] == ids
        return mask

    return _copied(path, _Sources(sources), is_wanted, _common(sources))


@dataclass(frozen=True, slots=True)
class _Sources:
    """Parts that are copied, with columns as those of ``like``."""

    paths: Sequence[Path]
    like: pa.Schema = _AS_STORED

    def stream(self, path: Path) -> Iterator[pa.Table]:
        """The rows of one of the parts."""
        return stream_part(path, like=self.like)


def _cells(paths: Sequence[Path]) -> _Sources:
    """Parts of cells, which older versions wrote with fewer columns."""
    with reading(paths[0]):
        kind = schema_of(paths[0]).field("vector").type
    return _Sources(paths, embeddings_schema(kind.list_size, dtype_of(kind)))


_VERSION: Final = "mmindex.schema_version"
_NONE: Final = np.empty(0, dtype=np.int64)


def segments_of(path: Path) -> NDArray[np.int64]:
    """The segments of a part, (n,), in its order."""
    tables = stream_part(path, ["segment_id"])
    return np.concatenate([_NONE, *(rows["segment_id"].to_numpy() for rows in tables)])


def _copied(path: Path, sources: _Sources, mask: Mask, footers: dict[str, str]) -> Path:
    schema = next(sources.stream(sources.paths[0])).schema
    groups = _groups(_selected(sources, schema, mask), rows_per_group(schema))
    with part_writer(path, schema, footers, compression=compression_of(sources.paths)) as write:
        for rows in groups:
            write(rows)
    return path


def _groups(rows: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of ``size`` rows, of fewer where their pictures fill a group."""
    held: list[pa.Table] = []
    count = pictures = 0
    for table in rows:
        held.append(table)
        count, pictures = count + table.num_rows, pictures + picture_bytes(table)
        if count >= size or pictures >= PICTURE_BYTES:
            whole = pa.concat_tables(held)
            yield whole.slice(0, size)
            held, count = [whole.slice(size)], max(0, count - size)
            pictures = picture_bytes(held[0])
    if count:
        yield pa.concat_tables(held)


def _selected(sources: _Sources, schema: pa.Schema, mask: Mask) -> Iterator[pa.Table]:
    """The rows of ``sources`` that ``mask`` lets through, each segment once."""
    seen: set[int] = set()
    for source in sources.paths:
        for rows in sources.stream(source):
            if rows.schema != schema:
                raise CorruptLakeError(source, f"has other columns than {sources.paths[0].name}")
            found = rows.filter(pa.array(mask(rows)))
            if len(sources.paths) > 1:
                ids = found["segment_id"].to_pylist()
                found = found.filter(pa.array([i not in seen for i in ids], pa.bool_()))
                seen.update(ids)
            if found.num_rows:
                yield found


def _common(sources: Sequence[Path]) -> dict[str, str]:
    """What all footers say."""
    return dict(sorted(set.intersection(*(set(carried(source).items()) for source in sources))))


def carried(path: Path) -> dict[str, str]:
    """What the footer of a part says beside its record and the version of the schema."""
    return {k: v for k, v in part_metadata(path).items() if k not in (RECORD, _VERSION)}


def compression_of(sources: Sequence[Path]) -> Compression:
    """The codec of the vectors in the first of ``sources`` that has rows."""
    for source in sources:
        with reading(source):
            stored = footer(source)
        if stored.num_row_groups:
            group = stored.row_group(0)
            columns = [group.column(place) for place in range(group.num_columns)]
            codecs = {c.compression for c in columns if c.path_in_schema.startswith("vector.")}
            return "zstd" if codecs == {"ZSTD"} else "none"
    return "none"
