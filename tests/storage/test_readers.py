import importlib
from pathlib import Path

import numpy as np
import pytest

from storage.layout import Layout
from storage.snapshot import Snapshot
from tests.factories import small_lake

GOLDEN = Path(__file__).parents[1] / "golden"


def with_duckdb(path):
    """Rows as dictionaries."""
    duckdb = importlib.import_module("duckdb")
    found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)])
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def with_polars(path):
    """Rows as dictionaries."""
    return importlib.import_module("polars").read_parquet(path).to_dicts()


def with_pandas(path):
    """Rows as dictionaries."""
    return importlib.import_module("pandas").read_parquet(path).to_dict("records")


def with_pyarrow(path):
    """Rows as dictionaries."""
    return importlib.import_module("pyarrow.parquet").read_table(path).to_pylist()


@pytest.fixture(params=["today", "lake-v1", "lake-v2", "lake-v3"])
def snapshot(request, tmp_path):
    """A snapshot of this version, and of each older one."""
    if request.param == "today":
        return small_lake(tmp_path)
    return Snapshot.open(Layout(GOLDEN / request.param / "lake"))


@pytest.mark.parametrize("read", [with_duckdb, with_polars, with_pandas, with_pyarrow])
def test_other_programs_read_every_part(read, snapshot):
    """Each Parquet file has the rows its manifest says; ids are whole, vectors of length 1."""
    parts = [file for file in snapshot.manifest.files if file.path.endswith(".parquet")]

    for file in parts:
        rows = read(snapshot.layout.root / file.path)
        assert len(rows) == file.rows
        for row in rows:
            assert all(isinstance(row[n], int) for n in ("item_id", "segment_id") if n in row)
            if "vector" in row:
                assert np.linalg.norm(row["vector"]) == pytest.approx(1, abs=1e-3)
    assert any("vector" in row for file in parts for row in read(snapshot.layout.root / file.path))
