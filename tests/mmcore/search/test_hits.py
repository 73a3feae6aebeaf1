import numpy as np
import pyarrow as pa
import pytest

from mmcore.search.hits import Best, Catalog, Lookup
from storage.schemas import Modality, item_id
from tests.lakes import coloured_items, make_lake, towers


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """Two items a colour."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=2), towers())


@pytest.mark.parametrize("wanted", [0, 5, 2**63 - 1])
def test_rows_are_found_by_id(wanted):
    """All rows of an id come, in their order; the smallest and the largest id are ids too."""
    ids = np.array([2**63 - 1, 5, 0, 2**63 - 1, 5, 0], dtype=np.int64)
    lookup = Lookup.of(pa.table({"id": ids, "row": range(6)}), "id")

    assert [row["row"] for row in lookup.rows(wanted)] == np.flatnonzero(ids == wanted).tolist()
    assert lookup.rows(7) == []


def test_an_item_keeps_its_best_segment(snapshot):
    """Two segments of one item are one answer, of the higher score; ties go by id."""
    rows = snapshot.rows("segments/text", ["segment_id", "item_id", "text"]).to_pylist()
    english = next(row["segment_id"] for row in rows if row["text"] == "A red wall.")
    chinese = next(row["segment_id"] for row in rows if row["text"] == "一面红色的墙。")
    best = Catalog(snapshot).best_items(Modality.TEXT, [english, chinese], [0.2, 0.7])
    red = sorted(item_id("media", f"red-{n}") for n in (1, 2))

    assert best == [Best(red[0], chinese, 0.7), Best(red[1], chinese, 0.7)]


def test_a_picture_stands_for_an_item(snapshot):
    """Of an item's files its picture is shown, whatever comes first by name."""
    hit = Catalog(snapshot).item_hit(item_id("media", "pink-2"), 0.5)

    assert (hit.key, hit.root, hit.path) == ("pink-2", "media", "pink-2.png")


def test_languages_are_those_of_the_texts(snapshot):
    """What can be asked for is what there is."""
    assert Catalog(snapshot).languages() == ["en", "zh"]
    assert len(Catalog(snapshot).of_language("zh")) == 8
