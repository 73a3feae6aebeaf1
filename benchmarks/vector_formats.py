"""Disk that vectors take by storage setting, and what rounding does to the nearest.

    python -m benchmarks.vector_formats

Encodes the sentences of this repository's docs with the default text encoder and writes them as
parts of cells' vectors. Prints a Markdown table, and the top-10 overlap of float16 with float32.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import describe
from mmcore.encoders.embedded_text import build
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Vectors
from storage.schemas import DTYPES, projected_schema
from storage.tables import vector_column, write_part

ROOT = Path(__file__).parents[1]
MOST = 600  # sentences


def sentences() -> list[str]:
    """Sentences of the docs, each once."""
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    text = "\n".join(page.read_text("utf-8") for page in pages)
    found = re.findall(r"[A-Z][^.|\n#`]{30,200}\.", text)
    return list(dict.fromkeys(found))[:MOST]


def vector_bytes(path: Path) -> int:
    """Bytes of the vector column in a file."""
    groups = pq.read_metadata(path)
    return sum(
        groups.row_group(place).column(1).total_compressed_size
        for place in range(groups.num_row_groups)
    )


def overlap(vectors: Vectors) -> float:
    """Mean share of the ten nearest others that rounding to float16 keeps."""
    rounded = vectors.astype(np.float16).astype(np.float32)
    nearest = []
    for base in (vectors, rounded):
        scores = vectors @ base.T
        np.fill_diagonal(scores, -np.inf)
        nearest.append(np.argsort(-scores, axis=1)[:, :10])
    return float(np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(*nearest, strict=True)]))


def main() -> None:
    """Print the table."""
    vectors = build(SegmentationSpec(), RuntimeSpec()).encode(sentences())
    print(f"{len(vectors)} vectors of {vectors.shape[1]} numbers; {describe()}\n")
    print("| dtype | codec | bytes a vector | of float32 |\n|---|---|---|---|")
    plain = 4 * vectors.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        for dtype in DTYPES:
            for codec in ("none", "zstd"):
                schema = projected_schema(vectors.shape[1], dtype)
                ids = pa.array(range(len(vectors)), pa.int64())
                table = pa.table([ids, vector_column(vectors, dtype)], schema=schema)
                path = Path(folder) / f"{dtype}-{codec}.parquet"
                size = vector_bytes(write_part(path, table, compression=codec)) / len(vectors)
                print(f"| {dtype} | {codec} | {size:,.0f} | {size / plain:.3f} |")
    moved = np.abs(vectors.astype(np.float16).astype(np.float64) @ vectors.T - vectors @ vectors.T)
    print(f"\ntop-10 overlap of float16 with float32: {overlap(vectors):.4f};")
    print(f"largest change of an inner product: {moved.max():.1e}")


if __name__ == "__main__":
    main()
