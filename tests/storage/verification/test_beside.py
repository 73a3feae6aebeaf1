"""What verification says of queries, and of what lies beside the snapshots."""

import pyarrow as pa
import pytest

from storage import looked
from storage.schemas import QUERIES, WORDS, content_id
from storage.snapshot import Snapshot
from storage.tables import write_rows
from storage.verification.verify import verify
from tests.factories import candidate, entries, small_lake
from tests.storage.test_querysets import PICTURE, put


@pytest.fixture
def lake(tmp_path):
    """A small published lake with a set of queries."""
    snapshot = small_lake(tmp_path / "湖")
    put(snapshot.layout)
    looked.note(snapshot.layout, 1)
    return snapshot


def findings(snapshot):
    """What verifying finds, as (path, why)."""
    found = verify(snapshot.layout, snapshot.manifest).findings
    return [(one.path, one.why) for one in found]


def asking(snapshot, rows):
    """The snapshot with a table of such queries."""
    table = pa.Table.from_pylist(
        [dict(zip(QUERIES.names, row, strict=True)) for row in rows], schema=QUERIES
    )
    paths = write_rows(snapshot.layout.rows("queries"), table)
    files = [*snapshot.manifest.files, *entries(snapshot.layout, paths)]
    return Snapshot(snapshot.layout, snapshot.manifest.model_copy(update={"files": files}))


def test_a_sound_set_is_no_finding(lake):
    """Nor are a history and a last look that can be read."""
    assert findings(lake) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("queries.parquet", "is missing"),
        ("qrels.parquet", "is missing"),
        (f"media/{content_id(PICTURE)}", "is missing"),
    ],
)
def test_a_file_of_a_set_that_is_gone_is_found(lake, name, why):
    """By its name."""
    (lake.layout.query_set("mine") / name).unlink()

    assert findings(lake) == [(f"queries/sets/mine/{name}", why)]


def test_a_damaged_card_history_or_look_is_found(lake):
    """Each by its own name; what is no entry's name is not looked at."""
    (lake.layout.query_set("mine") / "set.json").write_text("{}")
    lake.layout.history.mkdir()
    (lake.layout.history / "20260101T000000.000000-1.json").write_text("{}")
    (lake.layout.history / "notes.txt").write_text("mine")
    lake.layout.looked.write_text("yesterday")

    assert [path for path, _ in findings(lake)] == [
        "LOOKED",
        "history/20260101T000000.000000-1.json",
        "queries/sets/mine/set.json",
    ]


def test_a_candidate_is_verified_without_what_lies_beside_it(lake):
    """A damaged set keeps no snapshot from being published by hand."""
    (lake.layout.query_set("mine") / "set.json").write_text("{}")
    unpublished = candidate(lake.layout, ("cat", "狗"))

    found = verify(lake.layout, unpublished).findings

    assert not [one for one in found if one.path.startswith("queries/")]


def test_a_query_of_no_content_or_twice_is_found(lake):
    """Frozen queries are contents of the lake's items, each once in a direction."""
    content = lake.rows("item_files")["content_id"].to_pylist()[0]
    sound = asking(lake, [("a→b", content), ("b→a", content)])
    bad = asking(lake, [("a→b", "0" * 32), ("b→a", content), ("b→a", content)])

    assert [one for one in findings(sound) if not one[0].endswith("views.sql")] == []
    assert [one for one in findings(bad) if not one[0].endswith("views.sql")] == [
        ("queries", "has rows of contents that no item has: 1"),
        ("queries", "rows that stand twice: 1"),
    ]


def test_words_of_no_text_or_none_of_one_are_found(lake):
    """Where there is the table, each live text has one row; an older snapshot has none."""
    live = lake.rows("segments/text")["segment_id"].to_pylist()

    def found(ids):
        rows = pa.Table.from_pylist([{"segment_id": i, "words": ["a"]} for i in ids], schema=WORDS)
        paths = write_rows(lake.layout.rows("words"), rows)
        files = [*lake.manifest.files, *entries(lake.layout, paths)]
        named = Snapshot(lake.layout, lake.manifest.model_copy(update={"files": files}))
        return [one for one in findings(named) if not one[0].endswith("views.sql")]

    assert found(sorted(live)) == []
    assert found(sorted([live[0], live[0], 7, *live[2:]])) == [
        ("words", "has rows of no text: 1, first 7"),
        ("words", f"lacks 1 of {len(live)} texts, first {live[1]}"),
        ("words", "segments that stand twice: 1, first " + str(live[0])),
    ]
