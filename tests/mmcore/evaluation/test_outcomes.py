import numpy as np
import pytest

from mmcore.evaluation.classes import accuracy
from mmcore.evaluation.labels import Labels
from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.resume import Kept
from mmcore.specs import EvaluationSpec
from storage.snapshot import Snapshot
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import (
    asked,
    bench_of,
    content,
    item,
    labelled,
    same_scores,
    terms_of,
)

LIE = {"lie": {"lie.png": "red", "lie.txt": "The blue sky", "lie.zh.txt": "蓝天"}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items a colour, labelled by it, and one whose picture is not what its captions say."""
    items = {**coloured_items(copies=2), **LIE}
    made = make_lake(tmp_path_factory.mktemp("lake"), items, towers())
    labels = {key: [key.partition("-")[0], "more"] for key in items if key != "lie"}
    return labelled(made, {**labels, "lie": []})


def test_rows_are_told_by_query(lake):
    """Queries are sorted; each has the first label of its item, its language and its group."""
    found = asked(lake, terms_of(lake))["text:zh→image"].full
    place = found.queries.index(content(lake, "red-1.zh.txt"))
    same = min(item(lake, "red-1"), item(lake, "red-2"))

    assert (found.set, found.kind, found.gallery) == (HELD_OUT, "exact", 17)
    assert list(found.queries) == sorted(set(found.queries))
    assert (found.categories[place], found.languages[place]) == ("red", "zh")
    assert found.groups[place] == same
    assert found.top[place] in {"red", ""}  # the lie's picture is red, and has no label
    assert set(found.masks) == {None}


def test_both_languages_of_an_item_are_one_group(lake):
    """Equal captions, and what belongs to the same item, are not independent."""
    found = asked(lake, terms_of(lake))
    groups = {}
    for name in ("text:en→image", "text:zh→image"):
        full = found[name].full
        groups[name] = dict(zip(full.queries, full.groups.tolist(), strict=True))

    english = groups["text:en→image"][content(lake, "blue-1.txt")]
    assert english == groups["text:zh→image"][content(lake, "blue-1.zh.txt")]
    assert english != groups["text:en→image"][content(lake, "red-1.txt")]


def test_masks_are_those_of_the_right_item(lake):
    """Of fused vectors, what they are made of; of withheld queries, what is withheld."""
    found = asked(lake, terms_of(lake))

    assert set(found["text:en→fused"].full.masks) == {"image+text"}
    assert set(found["withheld→image"].full.masks) == {"without text:en", "without text:zh"}
    assert all("/" in query for query in found["withheld→image"].full.queries)


def test_accuracy_is_of_labels(lake):
    """A query is right whose first answer has its item's label; rare classes count as others."""
    found = asked(lake, terms_of(lake))["image→text:en"].full

    assert accuracy(found) == {"accuracy@1": 1, "mean class accuracy": 1}
    wrong = found.take(range(3))
    object.__setattr__(wrong, "categories", ("a", "a", "b"))
    object.__setattr__(wrong, "top", ("a", "", "b"))
    assert accuracy(wrong) == pytest.approx({"accuracy@1": 2 / 3, "mean class accuracy": 3 / 4})
    object.__setattr__(wrong, "categories", (None, None, None))
    assert accuracy(wrong) == {}


def test_a_private_lake_tells_no_label(lake):
    """Labels are its owner's words."""
    manifest = lake.manifest.model_copy(update={"private": True})
    mine = [item(lake, "red-1"), item(lake, "lie"), 7]

    assert Labels.of(lake).first(mine) == ("red", None, None)
    assert Labels.of(Snapshot(lake.layout, manifest)).first(mine) == (None, None, None)


def test_depth_reaches_the_largest_cutoff(lake):
    """AP is named by the ranks that are looked at."""
    spec = EvaluationSpec(min_queries=1, depth=3, cutoffs=(1, 12))
    found = asked(lake, terms_of(lake, spec=spec))["text:en→image"].full

    assert list(found.scores) == [
        *("Success@1", "Success@12", "RR", "AP@12", "nDCG@10", "R@10", "P@10", "F1@10")
    ]
    assert {len(ids) for ids in found.ranking.found} == {12}


def test_finished_directions_are_not_asked_again(lake, tmp_path, monkeypatch):
    """Another run takes them as they were, numbers and words, and asks only what is missing."""
    terms, kept = terms_of(lake, lake), Kept(tmp_path)
    first = asked(lake, terms, kept)
    lost = sorted(tmp_path.glob("*.json"))[0]
    lost.unlink()
    ranked = []
    bench = bench_of(lake, terms)
    real = type(bench)._ask
    monkeypatch.setattr(
        type(bench), "_ask", lambda self, name, *of: ranked.append(name) or real(self, name, *of)
    )
    again = asked(lake, terms, kept)

    assert len(ranked) <= 1
    assert first.keys() == again.keys()
    for name, one in first.items():
        for before, after in ((one.full, again[name].full), (one.common, again[name].common)):
            assert same_scores(before, after)
            assert before.masks == after.masks
            assert (before.top, before.categories) == (after.top, after.categories)
            for part in ("found", "hits", "expected"):
                pairs = zip(
                    getattr(before.ranking, part), getattr(after.ranking, part), strict=True
                )
                assert all(np.array_equal(*pair) for pair in pairs)
            assert np.array_equal(before.ranking.first, after.ranking.first)
            assert np.array_equal(before.ranking.sizes, after.ranking.sizes)


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"numbers": "0", "of": []}'])
def test_a_torn_direction_is_not_taken(lake, tmp_path, torn):
    """Neither words that are cut off nor numbers that are others than they say."""
    kept = Kept(tmp_path)
    name, one = next(iter(asked(lake, terms_of(lake), kept).items()))
    words = next(p for p in tmp_path.glob("*.json") if f'"name": "{name}"' in p.read_text("utf-8"))
    assert same_scores(kept.load(name).full, one.full)
    whole = words.read_bytes()
    words.write_bytes(torn)
    assert kept.load(name) is None
    words.write_bytes(whole)
    numbers = words.with_suffix(".npz")
    numbers.write_bytes(numbers.read_bytes()[:-7])
    assert kept.load(name) is None
    assert kept.load("text:en→nothing") is None
