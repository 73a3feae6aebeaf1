"""What garbage collection leaves of queries, history and the last look."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from storage import looked
from storage.layout import Layout
from storage.maintenance.garbage import Retention, collect, survey
from storage.publication import publish
from storage.querysets import ASKED, JUDGED, QuerySetCard, fingerprint, read_sets, write_set
from storage.schemas import QUERIES
from storage.tables import write_rows
from tests.factories import candidate, entries

LATER = datetime.now(UTC) + timedelta(days=400)


def frozen(layout, contents):
    """A table of queries that asks with them."""
    rows = [{"direction": "image→text:zh", "content_id": content} for content in contents]
    return write_rows(layout.rows("queries"), pa.Table.from_pylist(rows, schema=QUERIES))


def put(layout, name):
    """A set of one query."""
    asked = [{"query_id": "q", "modality": "text", "language": "en", "text": "A cat"}]
    judged = [{"query_id": "q", "item_id": 7, "grade": 1}]
    queries = pa.Table.from_pylist(asked, schema=ASKED)
    qrels = pa.Table.from_pylist(judged, schema=JUDGED)
    told = {"name": name, "kind": "qrels", "fingerprint": fingerprint(queries, qrels)}
    card = QuerySetCard(**told, queries=1, judged=1, when=datetime(2026, 1, 1, tzinfo=UTC))
    write_set(layout, card, queries, qrels, {})


@pytest.fixture
def layout(tmp_path):
    """Two snapshots; the queries of the first one are others."""
    layout = Layout(tmp_path / "湖")
    for contents in (["0" * 32], ["0" * 32, "1" * 32]):
        made = candidate(layout, ("cat",) if len(contents) == 1 else ("cat", "狗"))
        files = [*made.files, *entries(layout, frozen(layout, contents))]
        publish(layout, made.model_copy(update={"files": files}))
    return layout


def test_a_part_of_queries_goes_with_its_snapshots(layout):
    """As any table of rows: what serves keeps its own."""
    before = sorted((layout.root / "queries").iterdir())

    collect(layout, survey(layout, Retention(keep=1), LATER))

    assert len(before) == 2
    assert len(sorted((layout.root / "queries").iterdir())) == 1


def test_sets_and_history_and_the_last_look_stay(layout):
    """However old they are: no manifest names them."""
    put(layout, "mine")
    looked.note(layout, 2)
    layout.history.mkdir()
    entry = layout.history / "20260101T000000.000000-1.json"
    entry.write_text("{}")

    collect(layout, survey(layout, Retention(keep=1), LATER))

    assert [card.name for card in read_sets(layout)] == ["mine"]
    assert entry.exists()
    assert looked.read(layout) is not None


def test_a_set_that_never_was_whole_goes_in_time(layout):
    """Its writer was killed: nobody can read it; a young one may be at work."""
    put(layout, "mine")
    (layout.query_set("mine") / "set.json").unlink()

    collect(layout, survey(layout, Retention(keep=1), datetime.now(UTC)))
    assert layout.query_set("mine").exists()
    collect(layout, survey(layout, Retention(keep=1), LATER))

    assert not layout.query_set("mine").exists()
