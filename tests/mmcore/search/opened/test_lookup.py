import numpy as np
import pyarrow as pa
import pytest

from mmcore.search.opened import lookup
from mmcore.search.opened.lookup import Lookup


@pytest.mark.parametrize("wanted", [0, 5, 2**63 - 1])
def test_rows_are_found_by_id(wanted):
    """All rows of an id come, in their order; the smallest and the largest id are ids too."""
    ids = np.array([2**63 - 1, 5, 0, 2**63 - 1, 5, 0], dtype=np.int64)
    found = Lookup.of(pa.table({"id": ids, "row": range(6)}), "id")

    assert [row["row"] for row in found.rows(wanted)] == np.flatnonzero(ids == wanted).tolist()
    assert found.rows(7) == []


def test_rows_of_several_ids_are_read_together():
    """Each id has its rows, in their order, from whichever piece of the table they lie in."""
    pieces = [
        pa.table({"id": [2, 1], "row": [0, 1]}),
        pa.table({"id": [1, 3, 2], "row": [2, 3, 4]}),
    ]
    found = Lookup.of(pa.concat_tables([pieces[0], pieces[0].slice(0, 0), pieces[1]]), "id")
    picked = found.picked(np.array([1, 7, 2, 1]))

    assert {one: [row["row"] for row in picked.rows(one)] for one in (1, 2, 7)} == {
        1: [1, 2],
        2: [0, 4],
        7: [],
    }


@pytest.mark.parametrize(("most", "pieces"), [(1 << 30, 1), (160, 2), (1, 9)])
def test_a_table_of_many_parts_is_in_few_pieces(monkeypatch, most, pieces):
    """Each at most so large; rows are the same however it is cut."""
    monkeypatch.setattr(lookup, "_PIECE", most)
    parts = [pa.table({"id": [n % 4, n], "text": [f"a{n}", f"b{n}"]}) for n in range(9)]
    table = pa.concat_tables(parts)
    found = Lookup.of(table, "id")

    assert len(found.batches) == pieces
    assert found.table.equals(table)
    assert found.picked(np.array([0, 5])).by_id == {
        one: [row for row in table.to_pylist() if row["id"] == one] for one in (0, 5)
    }


def test_a_table_may_have_more_text_than_one_array_can_hold(monkeypatch):
    """Beyond 2 GiB, which a few million passages are."""
    monkeypatch.setattr(lookup, "_PIECE", 1 << 20)  # so that the test copies none of them
    long = pa.table({"id": [1], "text": ["x" * (150 << 20)]})
    small = pa.table({"id": [9], "text": ["the end"]})
    table = pa.concat_tables([long] * 15 + [small])
    assert table["text"].nbytes > 2**31

    found = Lookup.of(table, "id")

    assert found.rows(9) == [{"id": 9, "text": "the end"}]
    assert found.picked(np.array([9])).rows(9) == [{"id": 9, "text": "the end"}]
