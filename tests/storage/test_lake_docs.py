import re
from pathlib import Path

import numpy as np
import pytest

from storage import schemas
from storage.manifest import (
    EncoderEntry,
    Evaluation,
    FileEntry,
    FusionEntry,
    IndexEntry,
    Manifest,
    ProjectionEntry,
)
from storage.publication import publish
from storage.snapshot import Snapshot
from tests.factories import entries, made_older, small_lake

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text("utf-8")
PROGRAMS = {
    re.search(r"import (duckdb|polars|faiss)", code)[1]: code
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
}


@pytest.fixture(params=["today", "mixed"])
def run(request, tmp_path):
    """Run a program of the page over a small lake that also has dead rows; gives its names.

    Some parts of the mixed one are of an older schema.
    """
    snapshot = small_lake(tmp_path / "湖", dead=("old",))
    if request.param == "mixed":
        snapshot = with_older_parts(snapshot)

    def execute(name):
        names = {}
        exec(PROGRAMS[name].replace('"LAKE"', repr(str(snapshot.layout.root))), names)
        return names, snapshot

    return execute


def with_older_parts(snapshot):
    """Every second part, in turn, is one that version 2 wrote; it is published anew."""
    layout, files = snapshot.layout, snapshot.manifest.files
    parts = [f.path for f in files if f.path.startswith(("embeddings/", "segments/"))]
    for path in sorted(parts)[::2]:
        made_older(layout.root / path)
    made = entries(layout, [layout.root / file.path for file in files])
    again = snapshot.manifest.model_copy(update={"files": made, "number": 2, "parent": 1})
    return Snapshot.of(layout, publish(layout, again))


def test_the_duckdb_program_runs(run):
    """The query finds the text itself first, and all three items."""
    names, _ = run("duckdb")
    rows = names["nearest"].fetchall()

    assert len(rows) == 3
    assert rows[0][1] == pytest.approx(1.0)


def test_the_polars_program_reads_the_live_cells(run):
    """Polars sees the cells that Snapshot sees."""
    names, snapshot = run("polars")
    ids, vectors = snapshot.cells(schemas.Modality.IMAGE)
    order = np.argsort(names["cells"]["segment_id"].to_numpy())

    assert names["cells"]["segment_id"].to_numpy()[order].tolist() == ids.tolist()
    assert np.array_equal(names["matrix"][order], vectors)


def test_the_faiss_program_finds_segments(run):
    """The ids found are live segments, the first with the score of a vector and itself."""
    names, snapshot = run("faiss")
    live = snapshot.rows("segments/image")["segment_id"].to_pylist()

    assert set(names["segment_ids"][0].tolist()) == set(live)
    assert names["scores"][0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "schema",
    [
        schemas.FILES,
        schemas.ITEMS,
        schemas.ITEM_FILES,
        schemas.SEGMENTS,
        schemas.QUARANTINE,
        schemas.QUERIES,
        schemas.WORDS,
        schemas.fused_schema(4),
    ],
)
def test_every_column_is_described(schema):
    """The page names every column of every table."""
    assert [name for name in schema.names if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize(
    "model",
    [Manifest, FileEntry, EncoderEntry, ProjectionEntry, FusionEntry, IndexEntry, Evaluation],
)
def test_every_field_of_a_manifest_is_described(model):
    """The page names every field of the manifest, and today's schema version."""
    assert [name for name in model.model_fields if f"`{name}`" not in PAGE] == []
    assert f"The schema has one number, today {schemas.SCHEMA_VERSION}." in PAGE
