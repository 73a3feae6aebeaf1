"""A million vectors: write, publish, open and verify, beside plain numpy and plain pyarrow.

    python -m benchmarks.million_rows --rows 1000000 --json million.json

Each phase runs in a process of its own, so that its peak memory is its own. Vectors are made block
by block from a seed, by all in the same way; the time this takes is not counted. Every writer
flushes what it wrote to disk, as the lake does. The page cache is warm for all readers.

- write: parts of cells, and the rows of files, items and segments that they belong to;
- publish: every file hashed into the manifest, the manifest written, the pointer moved;
- open: the snapshot opened, and every live vector read once, by row group;
- verify: `mmindex snapshots verify`.

An index is left out: an exact one of a million rows of 512 numbers is 2 GB in memory by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.machine import describe
from benchmarks.measured import Figures, in_process, measured
from storage import schemas
from storage.cells import part_path, write_cells
from storage.layout import Layout
from storage.locks import writer_lock
from storage.manifest import EncoderEntry, Manifest, entry
from storage.publication import publish
from storage.records import PartRecord
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import stream_part, vector_column, vectors_of, write_rows
from storage.verification.verify import verify

NAME = "benchmarks.million_rows"
BLOCK = 16_384  # rows made at once; of ours, a part
ROOT = "media"


@dataclass(frozen=True, slots=True)
class Size:
    """How many vectors of how many numbers."""

    rows: int
    dim: int

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Start and unit vectors (n, dim) of each block; equal for all who ask."""
        for start in range(0, self.rows, BLOCK):
            count = min(BLOCK, self.rows - start)
            made = np.random.default_rng(start).standard_normal((count, self.dim), np.float32)
            made /= np.linalg.norm(made, axis=1, keepdims=True)
            yield start, made


@contextmanager
def counting(told: Figures) -> Iterator[None]:
    """Add wall and CPU seconds of the block to what is there."""
    one: Figures = {}
    with measured(one):
        yield
    for name in ("wall_s", "cpu_s"):
        told[name] = round(told.get(name, 0) + one[name], 3)
    told["peak_mb"] = one["peak_mb"]


def contents(start: int, count: int) -> list[str]:
    """The contents of a block: one each row, in the order of their ids."""
    return [f"{number:032x}" for number in range(start, start + count)]


def ids(start: int, count: int, size: Size) -> NDArray[np.int64]:
    """Ids spread over 63 bits as hashes are, ascending."""
    return np.arange(start, start + count, dtype=np.int64) * (2**63 // size.rows - 1)


def write_lake(folder: Path, size: Size) -> Figures:
    """Cells by block, then the tables of rows."""
    layout, told = Layout(folder), {}
    place = layout.embeddings(Modality.IMAGE, "made", "0" * 16)
    for start, vectors in size.blocks():
        names = contents(start, len(vectors))
        table = described(ids(start, len(vectors), size), names)
        with counting(told):
            cells = table.append_column("vector", vector_column(vectors))
            write_cells(part_path(place, f"{start:016x}"), cells, PartRecord(tuple(names)))
    for name, rows in tables(size):
        with counting(told):
            write_rows(layout.rows(name), rows)
        del rows
    return told | {"bytes": below(folder)}


def described(segment_ids: NDArray[np.int64], names: list[str]) -> pa.Table:
    """``schemas.DESCRIPTIONS`` of whole pictures."""
    constant = {"source": "self", "segmentation": "whole"}
    columns = {"segment_id": pa.array(segment_ids), "content_id": pa.array(names)}
    columns |= {name: pa.array([text]).take(zeros(names)) for name, text in constant.items()}
    return filled(columns, schemas.DESCRIPTIONS, len(names))


def tables(size: Size) -> Iterator[tuple[str, pa.Table]]:
    """The tables of rows: a file, an item and a segment for each vector."""
    every, names = ids(0, size.rows, size), contents(0, size.rows)
    paths = pa.array([f"{name}.png" for name in names])
    same = {n: pa.array([n]).take(zeros(names)) for n in (ROOT, "image", "image/png")}
    numbers, yes = pa.array(zeros(names)), pa.array(np.ones(size.rows, bool))
    files = {"root": same[ROOT], "path": paths, "content_id": pa.array(names)}
    files |= {"modality": same["image"], "media_type": same["image/png"]}
    files |= {"size": numbers, "mtime_ns": numbers}
    yield "files", filled(files, schemas.FILES, size.rows)
    no = pa.array(np.zeros(size.rows, bool))
    has = {f"has_{m}": yes if m == Modality.IMAGE else no for m in schemas.MODALITIES}
    items = {"item_id": pa.array(every), "root": same[ROOT], "key": pa.array(names), **has}
    yield "items", filled(items, schemas.ITEMS, size.rows)
    of = {"item_id": pa.array(every), "root": same[ROOT], "path": paths}
    of |= {"content_id": pa.array(names), "role": same["image"]}
    yield "item_files", filled(of, schemas.ITEM_FILES, size.rows)
    del files, items, of, paths
    table = described(every, names)
    segments = {name: table[name] for name in table.column_names} | {"item_id": pa.array(every)}
    yield f"segments/{Modality.IMAGE}", filled(segments, schemas.SEGMENTS, size.rows)


def zeros(names: list[str]) -> NDArray[np.int64]:
    """As many zeros."""
    return np.zeros(len(names), np.int64)


def filled(columns: dict[str, pa.Array], schema: pa.Schema, rows: int) -> pa.Table:
    """A table of ``schema``; columns that are not given are null."""
    return pa.Table.from_arrays(
        [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema
    )


def publish_lake(folder: Path, size: Size) -> Figures:
    """Hash every file, write the manifest, move the pointer."""
    layout, told = Layout(folder), {}
    encoder = EncoderEntry(
        modality=Modality.IMAGE, name="made", fingerprint="0" * 16, space="made", dim=size.dim
    )
    with measured(told), writer_lock(layout):
        paths = sorted(folder.rglob("part-*.parquet"))
        manifest = Manifest(
            run="benchmark",
            created_at=datetime.now(UTC),
            preset="made",
            files=[entry(folder, path, {}) for path in paths],
            encoders=[encoder],
        )
        publish(layout, manifest)
    return told


def open_lake(folder: Path, _: Size) -> Figures:
    """Open the snapshot, and read every vector of it."""
    told: Figures = {}
    begun = time.perf_counter()
    with measured(told):
        snapshot = Snapshot.open(Layout(folder))
        told["opened_s"] = round(time.perf_counter() - begun, 3)
        count = 0
        for name in snapshot.manifest.paths("embeddings"):
            for table in stream_part(folder / name, ["segment_id", "vector"]):
                count += len(vectors_of(table))
    return told | {"rows": count}


def verify_lake(folder: Path, size: Size) -> Figures:
    """Read and check all of it."""
    told: Figures = {}
    snapshot = Snapshot.open(Layout(folder))
    with measured(told):
        found = verify(snapshot.layout, snapshot.manifest)
    assert found.findings == (), found.findings[:3]
    return told | {"bytes": found.bytes}


def save_npy(folder: Path, size: Size) -> Figures:
    """``numpy.save`` of the whole matrix, which has to be in memory."""
    matrix = np.concatenate([vectors for _, vectors in size.blocks()])
    told: Figures = {}
    with measured(told), (folder / "vectors.npy").open("wb") as file:
        np.save(file, matrix)
        flushed(file.fileno())
    return told | {"bytes": below(folder)}


def load_npy(folder: Path, _: Size) -> Figures:
    """``numpy.load`` of the whole matrix."""
    told: Figures = {}
    with measured(told):
        rows = len(np.load(folder / "vectors.npy"))
    return told | {"rows": rows}


def hash_npy(folder: Path, _: Size) -> Figures:
    """The SHA-256 of the file: the least that verifying it takes."""
    told: Figures = {}
    with measured(told), (folder / "vectors.npy").open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return told


def write_arrow(folder: Path, size: Size) -> Figures:
    """Pyarrow's own settings, by block."""
    return _arrow(folder, size, {})


def write_arrow_plain(folder: Path, size: Size) -> Figures:
    """Pyarrow without dictionary, statistics and codec, by block."""
    settings = {"use_dictionary": False, "write_statistics": False, "compression": "none"}
    return _arrow(folder, size, settings)


def _arrow(folder: Path, size: Size, settings: dict[str, object]) -> Figures:
    schema = pa.schema({"segment_id": pa.int64(), "vector": pa.list_(pa.float32(), size.dim)})
    told: Figures = {}
    path = folder / "vectors.parquet"
    with pq.ParquetWriter(path, schema, **settings) as writer:
        for start, vectors in size.blocks():
            flat = pa.array(vectors.reshape(-1))
            with counting(told):
                column = pa.FixedSizeListArray.from_arrays(flat, size.dim)
                some = pa.array(ids(start, len(vectors), size))
                writer.write_table(pa.table([some, column], schema=schema))
    with counting(told), path.open("rb+") as file:
        flushed(file.fileno())
    return told | {"bytes": below(folder)}


def read_arrow(folder: Path, _: Size) -> Figures:
    """Every vector, by row group."""
    told: Figures = {}
    count = 0
    with measured(told), pq.ParquetFile(folder / "vectors.parquet") as file:
        for group in range(file.num_row_groups):
            count += len(file.read_row_group(group))
    return told | {"rows": count}


def flushed(descriptor: int) -> None:
    """On disk, not only in the cache."""
    os.fsync(descriptor)


def below(folder: Path) -> int:
    """The bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


Phase = Callable[[Path, Size], Figures]
PHASES: dict[str, dict[str, Phase]] = {
    "lake": {
        "write": write_lake,
        "publish": publish_lake,
        "open, read all": open_lake,
        "verify": verify_lake,
    },
    "numpy.save": {"write": save_npy, "open, read all": load_npy, "verify": hash_npy},
    "pyarrow": {"write": write_arrow, "open, read all": read_arrow},
    "pyarrow, plain": {"write": write_arrow_plain, "open, read all": read_arrow},
}


def table(found: dict[str, dict[str, Figures]], size: Size) -> str:
    """What each took."""
    megabytes = size.rows * size.dim * 4 / 1e6
    head = ("what", "phase", "wall s", "CPU s", "MB of vectors / s", "peak MB", "on disk MB")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for what, phases in found.items():
        for phase, told in phases.items():
            speed = f"{megabytes / max(told['wall_s'], 1e-3):.0f}"
            disk = f"{told['bytes'] / 1e6:.0f}" if "bytes" in told else ""
            cells = [what, phase, told["wall_s"], told["cpu_s"], speed, told["peak_mb"], disk]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def compare(options: argparse.Namespace, work: Path) -> dict[str, dict[str, Figures]]:
    """Run every phase, and remove what it left when the next contender comes."""
    found: dict[str, dict[str, Figures]] = {}
    for what, phases in PHASES.items():
        folder = work / what.replace(", ", "-")
        folder.mkdir()
        for phase in phases:
            shape = ("--rows", options.rows, "--dim", options.dim)
            told = in_process(NAME, *shape, "--phase", f"{what}/{phase}", "--folder", folder)
            found.setdefault(what, {})[phase] = told
        shutil.rmtree(folder)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--phase", help="one of them, in this process: as this script calls itself"
    )
    parser.add_argument("--folder", type=Path, help="where that phase finds its files")
    options = parser.parse_args()
    size = Size(options.rows, options.dim)
    if options.phase:
        what, _, phase = options.phase.partition("/")
        print(json.dumps(PHASES[what][phase](options.folder, size)))
        return
    work = Path(tempfile.mkdtemp(prefix="mmindex-million-"))
    try:
        found = compare(options, work)
    finally:
        shutil.rmtree(work)
    print(f"{describe()}\n\n{size.rows} rows of {size.dim} float32\n\n{table(found, size)}")
    if options.json:
        told = {"machine": describe(), "rows": size.rows, "dim": size.dim, **found}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
