import numpy as np
import pytest

from mmcore.evaluation.recall import index_recall
from storage.indexes.card import CARD, IndexCard, Point, Reached, Setting
from storage.indexes.choosing.build import build_index
from storage.indexes.files import write_index
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.lakes import WHEN, coloured_items, make_lake, towers


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake of sixteen pictures."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=2), towers())


def with_index(lake, ids, vectors):
    """The same lake, with another index over its texts."""
    folder = lake.layout.index("colours-text", f"other-{len(ids)}-{vectors[0, 0]}")
    card = IndexCard(
        space="colours", modality="text", dim=32, rows=len(ids), created_at=WHEN, build="other"
    )
    write_index(folder, build_index(ids, vectors), card)
    entry = next(i for i in lake.manifest.indexes if i.modality == "text")
    changed = entry.model_copy(
        update={"path": lake.layout.relative(folder), "rows": len(ids), "name": "other"}
    )
    return Snapshot(lake.layout, lake.manifest.model_copy(update={"indexes": [changed]}))


def test_a_flat_index_gives_everything_back(lake):
    """A flat index is exact, asked with queries or, where there are none, with its rows."""
    asked = {("image", "colours"): lake.vectors(Modality.IMAGE)[2]}
    found = {r.index: r for r in index_recall(lake, asked)}

    assert {r.recall for r in found.values()} == {1.0}
    assert found["colours-image"].asked == "queries"
    assert (found["colours-text"].asked, found["colours-text"].queries) == ("stored vectors", 16)


def test_an_index_without_half_of_the_rows_loses_recall(lake):
    """What is not in the index is not found: of 16 texts it has 8, so 8 of 10 at most."""
    _, ids, vectors = lake.vectors(Modality.TEXT)
    (found,) = index_recall(with_index(lake, ids[::2], vectors[::2]), {})

    assert 0 < found.recall <= 0.8


def test_scores_of_the_index_are_not_taken_on_trust(lake):
    """An index of other vectors under the same ids is found out, whatever scores it gives."""
    _, ids, vectors = lake.vectors(Modality.TEXT)
    (found,) = index_recall(with_index(lake, ids, np.ascontiguousarray(-vectors)), {})

    assert found.recall < 0.8


def test_what_was_measured_at_the_build_is_told(lake):
    """Of an index that was chosen by measuring, the card's recall on unseen queries counts."""
    entry = next(i for i in lake.manifest.indexes if i.modality == "text")
    _, ids, vectors = lake.vectors(Modality.TEXT)
    told = with_index(lake, ids, vectors)
    setting = Setting(nprobe=4, depth=8)
    measured = {"recall": 0.97, "latency_ms": 0.5, "rate": 9000, "memory": 10, "build_seconds": 1}
    point = Point(kind="flat", setting=setting, fits=True, **measured)
    card = IndexCard(
        space="colours",
        modality="text",
        dim=32,
        rows=len(ids),
        created_at=WHEN,
        build="other",
        setting=setting,
        reached=Reached(recall=0.96, low=0.95, high=0.97, queries=80, by={"image": 0.96}),
        tried=(point,),
    )
    folder = lake.layout.root / told.manifest.indexes[0].path
    before = (folder / CARD).read_bytes()
    (folder / CARD).write_text(card.model_dump_json())
    try:
        (found,) = index_recall(told, {})
    finally:
        (folder / CARD).write_bytes(before)

    assert (found.recall, found.queries, found.setting) == (0.96, 80, "nprobe 4, depth 8")
    assert found.target == 0.98
    assert [(one.kind, one.chosen) for one in found.tried] == [("flat", True)]
    assert entry.rows == found.rows == 16
