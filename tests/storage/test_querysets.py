"""Users' query sets on disk."""

from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
import pytest

from storage.erasure.orders import OfSet, Order
from storage.erasure.querysets import clean_sets
from storage.errors import CorruptLakeError, QuerySetError
from storage.layout import Layout
from storage.places.place import listing, place_of
from storage.querysets import (
    ASKED,
    JUDGED,
    QuerySetCard,
    check_name,
    fingerprint,
    media_of,
    read_set,
    read_sets,
    remove_set,
    write_set,
)
from storage.schemas import content_id
from storage.tables import write_part

PICTURE = b"not really a picture"


def rows_of():
    """A text and a picture that ask for an item each."""
    asked = [
        {"query_id": "q1", "modality": "text", "language": "en", "text": "A cat"},
        {"query_id": "q2", "modality": "image", "media": content_id(PICTURE)},
    ]
    judged = [
        {"query_id": "q1", "item_id": 2**62, "grade": 1},
        {"query_id": "q2", "item_id": 7, "grade": 3},
    ]
    return pa.Table.from_pylist(asked, schema=ASKED), pa.Table.from_pylist(judged, schema=JUDGED)


def put(layout, name="mine"):
    """Write that set; returns its card."""
    queries, qrels = rows_of()
    card = QuerySetCard(
        name=name,
        kind="qrels",
        fingerprint=fingerprint(queries, qrels),
        queries=2,
        judged=2,
        when=datetime(2026, 1, 1, tzinfo=UTC),
    )
    write_set(layout, card, queries, qrels, {content_id(PICTURE): PICTURE})
    return card


@pytest.fixture
def layout(tmp_path):
    """An empty lake."""
    return Layout(tmp_path / "湖")


def test_what_is_read_is_what_was_written(layout):
    """Card, rows and files."""
    card = put(layout)
    found = read_set(layout, "mine")

    assert read_sets(layout) == [card] == [found.card]
    assert (found.queries.to_pylist(), found.qrels.to_pylist()) == tuple(
        table.to_pylist() for table in rows_of()
    )
    assert media_of(layout, "mine", content_id(PICTURE)) == PICTURE


def test_sets_are_listed_by_name(layout):
    """And none is where nothing was imported."""
    assert read_sets(layout) == []

    for name in ("b", "猫", "a"):
        put(layout, name)

    assert [card.name for card in read_sets(layout)] == ["a", "b", "猫"]


def test_a_set_never_changes(layout):
    """Another import needs another name."""
    put(layout)

    with pytest.raises(QuerySetError, match="is there already"):
        put(layout)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../up", "-a", "held-out", "a" * 65, "a b"]
)
def test_a_name_is_one_plain_word(layout, name):
    """It becomes a folder, and stands in reports; that of the lake's own set is taken."""
    with pytest.raises(QuerySetError, match="cannot be called so"):
        put(layout, name)

    assert check_name("stamps-2.zh_猫") == "stamps-2.zh_猫"


def test_a_set_without_its_card_is_not_there(layout):
    """So one whose writer was killed is none, and can be imported again."""
    card = put(layout)
    (layout.query_set("mine") / "set.json").unlink()
    (layout.query_set("mine") / "media" / "left over").write_bytes(b"of another import")

    assert read_sets(layout) == []
    with pytest.raises(QuerySetError, match="is not there"):
        read_set(layout, "mine")
    assert put(layout) == card
    assert not (layout.query_set("mine") / "media" / "left over").exists()


def test_a_removed_set_leaves_nothing(layout):
    """No file and no folder; a second removal says that nothing is there."""
    put(layout)
    remove_set(layout, "mine")

    assert list(layout.query_sets.iterdir()) == []
    with pytest.raises(QuerySetError, match="is not there"):
        remove_set(layout, "mine")


def test_rows_that_are_not_the_imported_ones_are_found(layout):
    """The fingerprint tells; what helps is said."""
    put(layout)
    put(layout, "other")
    folder = layout.query_set("mine")
    few = read_set(layout, "mine").qrels.slice(0, 1)

    write_part(folder / "qrels.parquet", few)

    with pytest.raises(CorruptLakeError, match="queries remove mine"):
        read_set(layout, "mine")
    assert read_set(layout, "other").card.judged == 2


@pytest.mark.parametrize("text", ["{}", "[]", "no", '{"name": "other"}'])
def test_a_card_that_is_none_is_damage(layout, text):
    """It is not taken for a set that is not there: a night would be compared without it."""
    put(layout)
    (layout.query_set("mine") / "set.json").write_text(text)

    with pytest.raises(CorruptLakeError, match=r"set\.json"):
        read_sets(layout)
    remove_set(layout, "mine")


def test_the_card_of_another_set_is_damage(layout):
    """A folder that was renamed is not what its card says."""
    put(layout)
    layout.query_set("mine").rename(layout.query_set("yours"))

    with pytest.raises(CorruptLakeError, match="is the card of 'mine'"):
        read_sets(layout)


def test_a_file_with_other_bytes_is_damage(layout):
    """A picture is known by its content."""
    put(layout)
    path = layout.query_set("mine") / "media" / content_id(PICTURE)
    path.write_bytes(b"another")

    with pytest.raises(CorruptLakeError, match="not what was imported"):
        media_of(layout, "mine", content_id(PICTURE))
    path.unlink()
    with pytest.raises(CorruptLakeError, match="is missing"):
        media_of(layout, "mine", content_id(PICTURE))


def test_the_order_of_rows_does_not_count():
    """The same judgements are the same set."""
    queries, qrels = rows_of()

    assert fingerprint(queries.slice(1), qrels) != fingerprint(queries, qrels)
    assert fingerprint(queries.take([1, 0]), qrels.take([1, 0])) == fingerprint(queries, qrels)


@pytest.fixture(params=["memory", "s3"])
def remote(request, monkeypatch, tmp_path):
    """An empty lake in a store."""
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))
    if request.param == "memory":
        return Layout(place_of(f"memory://{uuid4().hex}/lake"))
    return Layout(place_of(f"{request.getfixturevalue('s3').bucket()}/lake"))


def test_a_set_in_a_store_is_written_cleaned_and_removed(remote):
    """An erasure replaces what a store would rather keep."""
    put(remote)
    order = Order(items=frozenset({7}), contents=frozenset({content_id(PICTURE)}))

    assert clean_sets(remote, order, []) == (OfSet("mine", 1, 1),)
    left = read_set(remote, "mine")
    assert left.qrels.to_pylist() == [{"query_id": "q1", "item_id": 2**62, "grade": 1}]
    assert left.queries["query_id"].to_pylist() == ["q1"]
    assert clean_sets(remote, order, []) == ()
    with pytest.raises(QuerySetError, match="is there already"):
        put(remote)
    remove_set(remote, "mine")
    assert read_sets(remote) == []
    assert listing(remote.root) == {}


def test_a_set_whose_card_is_a_folder_can_be_removed(layout):
    """As the error about it says."""
    put(layout)
    card = layout.query_set("mine") / "set.json"
    card.unlink()
    card.mkdir()
    with pytest.raises(CorruptLakeError, match="queries remove mine"):
        read_sets(layout)

    remove_set(layout, "mine")

    assert not layout.query_set("mine").exists()
