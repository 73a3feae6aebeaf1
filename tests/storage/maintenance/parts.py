"""A lake of parts that are to be compacted."""

from itertools import count
from pathlib import Path

import pyarrow as pa

from storage.cells import part_path, write_cells
from storage.layout import Layout
from storage.maintenance import compaction
from storage.maintenance.packing import Aims
from storage.publication import publish
from storage.published import current
from storage.records import PartRecord
from storage.schemas import QUARANTINE, embeddings_schema, projected_schema
from storage.snapshot import Snapshot
from storage.tables import vector_column, write_part, write_rows
from tests.factories import (
    IMAGES,
    PROJECTION,
    cells,
    entries,
    files_table,
    items_table,
    manifest,
    rejection,
    segments_table,
    unit_vectors,
)


class Lake:
    """A lake of pictures whose parts a test writes, one after the other."""

    def __init__(self, root: Path, dtype: str = "float32") -> None:
        self.layout, self.dtype = Layout(root), dtype
        self.numbers = count()
        where = (IMAGES.modality, IMAGES.name, IMAGES.fingerprint)
        self.cells = self.layout.embeddings(*where, dtype)
        self.shared = self.layout.space(PROJECTION.space, IMAGES.modality, dtype)
        self.parts: list[Path] = []

    def part(self, keys, *, refused=(), silent=(), decoder="pillow 1", device="cpu", segments=1):
        """Write a part; its vectors are of this part alone."""
        number = next(self.numbers)
        names = [f"{key}-image" for key in keys]
        table = cells(names, segments=segments)
        vectors = vector_column(unit_vectors(table.num_rows, IMAGES.dim, number), self.dtype)
        table = table.drop_columns("vector").append_column(
            embeddings_schema(IMAGES.dim, self.dtype).field("vector"), vectors
        )
        record = PartRecord(
            (*names, *(f"{key}-image" for key in [*refused, *silent] if key not in keys)),
            tuple(rejection(f"{key}-image", decoder) for key in refused),
            {"device": device},
        )
        path = write_cells(part_path(self.cells, f"{number:03}"), table, record)
        rows = [
            table["segment_id"],
            vector_column(unit_vectors(table.num_rows, 6, 1000 + number), self.dtype),
        ]
        schema = projected_schema(6, self.dtype)
        write_part(self.shared / path.name, pa.Table.from_arrays(rows, schema=schema))
        self.parts.append(path)
        return path

    def publish(self, keys, *, more=(), quarantine=()):
        """Publish all parts: ``keys`` are pictures with cells, ``more`` such that have none."""
        tables = {
            "files": files_table([*keys, *more]),
            "items": items_table([*keys, *more]),
            "segments/image": segments_table(IMAGES, keys),
            "quarantine": pa.Table.from_pylist(list(quarantine), schema=QUARANTINE),
        }
        paths = [
            path
            for name, table in tables.items()
            for path in write_rows(self.layout.rows(name), table)
        ]
        paths += [*self.parts, *(self.shared / part.name for part in self.parts)]
        joined = PROJECTION.model_copy(update={"encoders": {IMAGES.name: IMAGES.fingerprint}})
        told = {"encoders": [IMAGES], "projection": joined, "dtype": self.dtype}
        files = entries(self.layout, paths)
        candidate = manifest(files=files, parent=current(self.layout), **told)
        return Snapshot.of(self.layout, publish(self.layout, candidate))

    def compact(self, aims=Aims()):  # noqa: B008 - frozen
        """Compact the published snapshot; the one that serves then."""
        found = compaction.plan(self.layout, aims)
        if found.steps:
            written = [file for step in found.steps for file in found.write(step)]
            expected = [file.path for file in found.expected()]
            assert sorted(file.path for file in written) == expected
            publish(self.layout, found.manifest(written, "maintain"))
        return Snapshot.open(self.layout)

    def in_cells(self, snapshot):
        """The published parts of cells."""
        names = snapshot.manifest.paths(self.layout.relative(self.cells))
        return [self.layout.root / name for name in names]
