import os

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from storage.cells import PartRecord, part_path, write_cells
from storage.layout import Layout
from storage.publication import publish
from storage.schemas import (
    DESCRIPTIONS,
    SEGMENTS,
    WORDS,
    Modality,
    digest,
    embeddings_schema,
    item_id,
)
from storage.snapshot import Snapshot
from storage.tables import read_parts, vectors_of, write_rows
from storage.views import views_sql
from tests.factories import (
    IMAGES,
    PROJECTION,
    box,
    candidate,
    cells,
    content,
    entries,
    made_older,
    manifest,
    segment,
    small_lake,
    thumbnail,
)

TABLES = {"files", "items", "item_files", "quarantine", "segments"}
PLACES = ["lake", "图片的 湖", "it's \"quoted\" 'lake'", "percent %20 #1"]


def inside(root, monkeypatch):
    """DuckDB started in the lake."""
    monkeypatch.chdir(root)
    return duckdb.connect()


def elsewhere(root, monkeypatch):
    """DuckDB started anywhere, told where the lake lies."""
    monkeypatch.chdir(os.sep)
    connection = duckdb.connect()
    path = str(root).replace("'", "''")
    connection.execute(f"SET file_search_path = '{path}'")
    return connection


@pytest.fixture(params=[inside, elsewhere])
def duck(request, monkeypatch):
    """Open a snapshot's views in DuckDB, both ways that views.sql tells."""

    def open_views(snapshot):
        connection = request.param(snapshot.layout.root, monkeypatch)
        number = snapshot.manifest.number
        connection.execute((snapshot.layout.snapshot(number) / "views.sql").read_text("utf-8"))
        return connection

    return open_views


def views_of(connection):
    """The names of the views."""
    names = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
    return {name for (name,) in connection.execute(names).fetchall()}


def vectors_in(connection, view, key="segment_id"):
    """Ids and vectors of a view, by id."""
    rows = connection.execute(f'SELECT {key}, vector FROM "{view}" ORDER BY 1').fetchall()
    return [row[0] for row in rows], np.array([row[1] for row in rows], np.float32)


@pytest.mark.parametrize("place", PLACES)
def test_duckdb_shows_exactly_the_live_rows(tmp_path, duck, place):
    """The views give what Snapshot gives, wherever the lake lies, and no dead row."""
    snapshot = small_lake(tmp_path / place, dead=("old", "older"))
    connection = duck(snapshot)

    assert views_of(connection) == TABLES | {
        "embeddings_image",
        "embeddings_text",
        "vectors_image",
        "vectors_text",
        "fused",
    }
    for modality in (Modality.IMAGE, Modality.TEXT):
        ids, vectors = snapshot.cells(modality)
        seen, rows = vectors_in(connection, f"embeddings_{modality}")
        assert seen == ids.tolist()
        assert np.array_equal(rows, vectors)
        _, ids, vectors = snapshot.vectors(modality)
        seen, rows = vectors_in(connection, f"vectors_{modality}")
        assert seen == ids.tolist()
        assert np.array_equal(rows, vectors)
    assert vectors_in(connection, "fused", "item_id")[0] == sorted(snapshot.fused()[0].tolist())


def test_duckdb_shows_the_rows_of_each_table(tmp_path, duck):
    """Rows come as they were written; segments of all modalities say which they are of."""
    connection = duck(small_lake(tmp_path))
    by_modality = connection.execute(
        'SELECT modality, count(*), min("end") FROM segments GROUP BY 1 ORDER BY 1'
    ).fetchall()

    assert by_modality == [("image", 3, None), ("text", 3, None)]
    assert connection.execute("SELECT key FROM items ORDER BY key").fetchall() == [
        ("cat",),
        ("owl",),
        ("狗",),
    ]
    assert connection.execute("SELECT count(*) FROM files").fetchone() == (6,)
    assert connection.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


def test_vectors_can_be_compared_in_duckdb(tmp_path, duck):
    """Vectors are arrays of their dimension, so that DuckDB's own functions take them."""
    connection = duck(small_lake(tmp_path))
    scores = connection.execute(
        "SELECT array_inner_product(a.vector, b.vector) FROM vectors_text a, vectors_text b"
        " WHERE a.segment_id = b.segment_id"
    ).fetchall()

    assert [score for (score,) in scores] == pytest.approx([1.0] * 3)


def test_a_segment_that_two_parts_hold_is_shown_once_and_as_we_read_it(tmp_path, duck):
    """Of two parts that hold a segment the first by name counts, in DuckDB as in Snapshot."""
    layout = Layout(tmp_path)
    base = candidate(layout, ("cat", "owl"))
    folder = layout.embeddings(IMAGES.modality, IMAGES.name, IMAGES.fingerprint)
    cat = content(IMAGES, "cat")
    other = cells([cat]).set_column(
        cells([cat]).column_names.index("vector"), "vector", cells(["other"])["vector"]
    )
    paths = [write_cells(part_path(folder, n), other, PartRecord((cat,))) for n in ("00", "zz")]
    files = base.files + entries(layout, paths)
    snapshot = Snapshot.of(layout, publish(layout, base.model_copy(update={"files": files})))
    ids, vectors = snapshot.cells(Modality.IMAGE)
    seen, rows = vectors_in(duck(snapshot), "embeddings_image")

    assert seen == ids.tolist()
    assert len(seen) == 2
    assert np.array_equal(rows, vectors)
    assert np.array_equal(vectors[ids == segment(cat)], vectors_of(cells(["other"])))


def test_each_snapshot_shows_its_own_rows(tmp_path, duck):
    """The views of an older snapshot do not change when another is published."""
    first = small_lake(tmp_path)
    second = Snapshot.of(first.layout, publish(first.layout, candidate(first.layout, ("new",))))

    keys = "SELECT key FROM items ORDER BY key"
    assert len(duck(first).execute(keys).fetchall()) == 3
    assert duck(second).execute(keys).fetchall() == [("new",)]


def test_words_are_shown_where_there_are_some(tmp_path, duck):
    """As lists of strings, by segment; an older snapshot has no such view."""
    snapshot = small_lake(tmp_path)
    (text, *_) = snapshot.rows("segments/text")["segment_id"].to_pylist()
    rows = pa.Table.from_pylist([{"segment_id": text, "words": ["a", "狗"]}], schema=WORDS)
    files = entries(snapshot.layout, write_rows(snapshot.layout.rows("words"), rows))
    files = [*snapshot.manifest.files, *files]
    told = snapshot.manifest.model_copy(update={"files": files, "number": 2, "parent": 1})
    connection = duck(Snapshot.of(snapshot.layout, publish(snapshot.layout, told)))

    assert views_of(connection) >= TABLES | {"words"}
    assert connection.execute("SELECT * FROM words").fetchall() == [(text, ["a", "狗"])]


def test_an_encoder_that_is_not_joined_is_shown_in_its_own_space(tmp_path, duck):
    """Where the projection does not join an encoder, what is searched are its cells."""
    layout = Layout(tmp_path)
    alone = PROJECTION.model_copy(update={"encoders": {}})
    base = candidate(layout, ("cat",)).model_copy(update={"projection": alone})
    snapshot = Snapshot.of(layout, publish(layout, base))

    assert vectors_in(duck(snapshot), "vectors_image")[1].shape == (1, 8)


@pytest.mark.parametrize("named", [manifest(), manifest(encoders=[IMAGES], projection=PROJECTION)])
def test_an_empty_lake_has_the_tables_and_no_rows(tmp_path, duck, named):
    """Without files the row tables are there with their columns; views of vectors are not."""
    layout = Layout(tmp_path)
    connection = duck(Snapshot.of(layout, publish(layout, named)))

    assert views_of(connection) == TABLES
    assert connection.execute("SELECT modality, text FROM segments").fetchall() == []
    assert connection.execute("SELECT labels, has_audio FROM items").fetchall() == []


def test_a_lake_whose_items_are_all_gone_has_views(tmp_path, duck):
    """Parts without rows, and cells without live segments, make views without rows."""
    connection = duck(small_lake(tmp_path, (), dead=("old",)))

    for view in views_of(connection):
        assert connection.execute(f'SELECT count(*) FROM "{view}"').fetchone() == (0,)


def test_a_quote_in_a_name_stays_a_quote(tmp_path, duck):
    """An encoder whose name has a quote makes valid SQL."""
    layout = Layout(tmp_path)
    odd = IMAGES.model_copy(update={"name": "it's; --"})
    folder = layout.embeddings(odd.modality, odd.name, odd.fingerprint)
    part = write_cells(part_path(folder, "1"), cells(["a"]), PartRecord(("a",)))
    named = manifest(encoders=[odd], files=entries(layout, [part]))
    connection = duck(Snapshot.of(layout, publish(layout, named)))

    assert connection.execute("SELECT count(*) FROM embeddings_image").fetchone() == (0,)


def test_the_file_says_how_to_read_it(tmp_path):
    """The header names the snapshot and both ways to find its files."""
    text = views_sql(small_lake(tmp_path).manifest)

    assert "Snapshot 1" in text
    assert "cd LAKE" in text
    assert "SET file_search_path = 'LAKE'" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize("older", [["cat"], ["cat", "owl"]])
def test_views_have_today_s_columns_over_parts_of_any_version(tmp_path, duck, older):
    """What older parts lack is null, in the order of today, also where all parts are older."""
    layout = Layout(tmp_path)
    made = candidate(layout, ["cat", "owl"])
    folder = layout.embeddings(Modality.IMAGE, IMAGES.name, IMAGES.fingerprint)
    for key in older:
        made_older(part_path(folder, digest(content(IMAGES, key))))
    if len(older) == 2:
        for path in made.paths("segments/image"):
            made_older(layout.root / path)
    made = made.model_copy(
        update={"files": entries(layout, [layout.root / file.path for file in made.files])}
    )

    connection = duck(Snapshot.of(layout, publish(layout, made)))

    found = connection.execute("SELECT * FROM embeddings_image ORDER BY content_id")
    assert [column[0] for column in found.description] == embeddings_schema(8).names
    rows = [dict(zip(embeddings_schema(8).names, row, strict=True)) for row in found.fetchall()]
    assert [row["content_id"] for row in rows] == ["cat-image", "owl-image"]
    assert [row["thumbnail"] for row in rows] == [
        None if key in older else thumbnail(content(IMAGES, key)) for key in ("cat", "owl")
    ]
    shown = connection.execute("SELECT * FROM segments").description
    assert [column[0] for column in shown] == [*SEGMENTS.names, "modality"]
    assert connection.execute("SELECT count(box) FROM quarantine").fetchall() == [(0,)]


def test_a_view_shows_boxes(tmp_path, duck):
    """A box is a list of four numbers."""
    layout = Layout(tmp_path)
    made = candidate(layout, ["cat"])
    folder = layout.embeddings(Modality.IMAGE, IMAGES.name, IMAGES.fingerprint)
    name = content(IMAGES, "cat")
    part = write_cells(part_path(folder, "more"), cells([name], segments=2), PartRecord((name,)))
    rows = read_parts([part], DESCRIPTIONS.names)
    rows = rows.add_column(1, "item_id", [[item_id("media", "cat")] * 2]).cast(SEGMENTS)
    paths = [layout.root / f.path for f in made.files if "segments/image" not in f.path]
    paths += [part, *write_rows(layout.rows("segments/image"), rows)]
    made = made.model_copy(update={"files": entries(layout, paths)})

    connection = duck(Snapshot.of(layout, publish(layout, made)))

    boxes = "SELECT box[4], kind FROM segments WHERE box IS NOT NULL"
    assert connection.execute(boxes).fetchall() == [(box(1)[3], "region")]
