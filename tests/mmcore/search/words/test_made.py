"""The table of words."""

import pyarrow as pa
import pytest

from mmcore.search.words import made
from mmcore.search.words.made import words_table
from mmcore.search.words.tokens import words_of
from storage import schemas


def texts(rows):
    """A block of texts."""
    told = {"segment_id": [*rows], "text": [*rows.values()]}
    return pa.table(told, schema=pa.schema({"segment_id": pa.int64(), "text": pa.string()}))


def test_each_text_has_one_row_in_order():
    """Also one that serves several items, in two blocks, and one that says nothing."""
    found = words_table([texts({7: "A dog", 3: None}), texts({7: "A dog", 5: "红色"})])

    assert found.schema == schemas.WORDS
    assert found.to_pylist() == [
        {"segment_id": 3, "words": []},
        {"segment_id": 5, "words": ["红色"]},
        {"segment_id": 7, "words": ["a", "dog"]},
    ]


def test_known_rows_are_taken_over(monkeypatch):
    """Only new texts are looked at; what no text has any more goes."""
    first = words_table([texts({2: "one", 4: "two", 9: "gone"})])
    asked = []
    monkeypatch.setattr(made, "words_of", lambda text: asked.append(text) or words_of(text))

    found = words_table(
        [texts({4: "two", 6: "new", 2: "one"})], [first.slice(1), first.slice(0, 1)]
    )

    assert asked == ["new"]
    assert found.to_pydict() == {"segment_id": [2, 4, 6], "words": [["one"], ["two"], ["new"]]}


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_rows_are_the_same_however_many_are_sorted_at_once(monkeypatch, at_once):
    """The table does not depend on how blocks and portions are cut."""
    rows = {(13 * n) % 50: f"text {n}" for n in range(50)}
    every = texts(rows)
    monkeypatch.setattr(made, "_AT_ONCE", at_once)
    known = words_table([every.slice(10, 20)])

    found = words_table([every.slice(at, 7) for at in range(0, 50, 7)], [known])

    assert found.to_pydict() == {
        "segment_id": sorted(rows),
        "words": [words_of(rows[one]) for one in sorted(rows)],
    }


def test_no_text_makes_an_empty_table():
    """It has its columns."""
    assert words_table([]) == schemas.WORDS.empty_table()
