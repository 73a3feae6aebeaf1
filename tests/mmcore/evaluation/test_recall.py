import numpy as np
import pytest

from mmcore.evaluation.recall import index_outcomes, index_recall
from mmcore.specs import EvaluationSpec
from storage.indexes.card import CARD, IndexCard, Point, Reached, Setting
from storage.indexes.choosing.build import build_index
from storage.indexes.files import write_index
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.lakes import WHEN, coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import bench_of, content, terms_of


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


def test_every_index_is_asked_as_it_is(lake):
    """Query by query, in order of their contents; an exact index gives everything back."""
    found = {one.name: one for one in index_outcomes(lake, bench_of(lake, terms_of(lake)))}
    texts = found["index:colours-text"]

    assert found.keys() == {f"index:colours-{what}" for what in ("image", "text", "fused")}
    assert all(set(one.scores["recall@10"].tolist()) == {1.0} for one in found.values())
    assert list(texts.queries) == sorted(set(texts.queries))
    assert content(lake, "red-1.png") in texts.queries
    assert content(lake, "red-1.zh.txt") in texts.queries
    assert (texts.kind, texts.gallery, texts.set) == ("flat", 16, "held-out")
    assert not any(len(ids) for ids in texts.ranking.found)


def test_an_index_that_has_lost_rows_is_seen_query_by_query(lake):
    """Whatever its card says of when it was built."""
    _, ids, vectors = lake.vectors(Modality.TEXT)
    short = with_index(lake, ids[::2], vectors[::2])
    (found,) = index_outcomes(short, bench_of(short, terms_of(lake)))

    assert found.name == "index:other"
    assert 0 < found.scores["recall@10"].mean() <= 0.8
    assert len(found.scores["recall@10"]) == len(found.queries) == len(found.groups)


def test_so_many_of_a_direction_ask_an_index(lake, tmp_path):
    """Beside a baseline those that both have, so that both are asked the same."""
    items = {**coloured_items(copies=2), "new": {"new.png": "red", "new.txt": "A red barn."}}
    grown = make_lake(tmp_path, items, towers())
    spec = EvaluationSpec(min_queries=1, served_queries=2)
    terms = terms_of(grown, lake, spec=spec)
    before, after = (
        {one.name: one.queries for one in index_outcomes(of, bench_of(of, terms))}
        for of in (lake, grown)
    )

    assert before == after
    assert all(2 <= len(queries) <= 6 for queries in after.values())
    every = terms_of(grown, lake)
    (texts,) = (
        one.queries
        for one in index_outcomes(grown, bench_of(grown, every))
        if one.name.endswith("-text")
    )
    assert content(grown, "new.png") not in texts
    assert content(grown, "red-1.png") in texts
