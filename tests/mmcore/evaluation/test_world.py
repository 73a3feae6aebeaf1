import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.world import World
from storage.schemas import Modality
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import (
    asked,
    content,
    item,
    same_scores,
    terms_of,
    without_segments,
)

WORDS = {"words": {"words.txt": "A red wall."}}
LONE = {"lone": {"lone.png": "grey", "lone.txt": "Something warm."}}
ITEMS = {**coloured_items(copies=2), **WORDS, **LONE}
MORE = {
    "more-1": {"more-1.png": "red", "more-1.txt": "A red barn.", "more-1.zh.txt": "红色的谷仓。"},
    "more-2": {
        "more-2.png": "blue",
        "more-2.txt": "A blue barn.",
        "more-2.zh.txt": "蓝色的谷仓。",
    },
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items a colour, one of words alone, and one whose caption no other has."""
    return make_lake(tmp_path_factory.mktemp("one"), ITEMS, towers())


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The same items, and two more."""
    return make_lake(tmp_path_factory.mktemp("grown"), {**ITEMS, **MORE}, towers())


def common(snapshot, terms):
    """Direction → the outcome in what both hold."""
    return {name: found.common for name, found in asked(snapshot, terms).items()}


def test_growth_alone_moves_no_compared_score(lake, grown):
    """New items are neither asked for nor with nor found; in all that there is they do count."""
    terms = terms_of(grown, lake)
    before, after = common(lake, terms), common(grown, terms)
    full = {name: found.full for name, found in asked(grown, terms).items()}

    assert before.keys() == after.keys() >= {"text:zh→image", "image→fused", "withheld→image"}
    assert all(same_scores(before[name], after[name]) for name in before)
    assert {of.gallery for name, of in after.items() if name.endswith("→image")} == {17}
    assert full["text:en→image"].gallery == 19
    assert len(full["image→fused"].queries) > len(after["image→fused"].queries)
    assert full["text:en→image"].means()["RR"] != after["text:en→image"].means()["RR"]


def test_the_same_snapshot_is_compared_whole(lake):
    """Beside itself, what is common is all."""
    found = asked(lake, terms_of(lake, lake))

    assert all(same_scores(of.full, of.common) for of in found.values())
    assert all(of.full.gallery == of.common.gallery for of in found.values())


def test_an_edited_caption_is_no_longer_common(lake, tmp_path):
    """The item keeps its picture and its other caption; its fused vector is another one."""
    changed = {**ITEMS["red-1"], "red-1.txt": "A bright fire."}
    edited = make_lake(tmp_path, {**ITEMS, "red-1": changed}, towers())
    terms = terms_of(edited, lake)
    before, after = common(lake, terms), common(edited, terms)
    mine = item(edited, "red-1")

    assert content(edited, "red-1.txt") not in after["text:en→image"].queries
    assert content(edited, "red-1.txt") in asked(edited, terms)["text:en→image"].full.queries
    assert before.keys() == after.keys()
    assert all(same_scores(before[name], after[name]) for name in before)
    assert mine not in terms.world.whole
    assert all(mine not in found for found in after["text:zh→fused"].ranking.found)
    assert any(mine in found for found in after["text:zh→image"].ranking.found)


def test_an_item_with_one_caption_more_is_fused_otherwise(lake, tmp_path):
    """It neither asks with all that it has, nor is it found by its fused vector."""
    more = {**ITEMS["red-1"], "red-1-b.txt": "A bright fire."}
    wider = make_lake(tmp_path, {**ITEMS, "red-1": more}, towers())
    terms = terms_of(wider, lake)
    before, after = common(lake, terms), common(wider, terms)
    mine, other = (item(lake, key) for key in ("red-1", "red-2"))
    asking = {query.partition("/")[0] for query in after["withheld→image"].queries}

    assert str(other) in asking
    assert str(mine) not in asking
    assert all(same_scores(before[name], after[name]) for name in before)
    assert all(mine not in found for found in after["image→fused"].ranking.found)


def test_a_query_that_has_lost_its_only_answer_is_still_asked(lake):
    """It finds others, which are wrong."""
    lost = without_segments(lake, Modality.IMAGE, content(lake, "lone.png"))
    terms = terms_of(lost, lake, frozen_of=lake)
    less = common(lost, terms)["text:en→image"]
    place = less.queries.index(content(lake, "lone.txt"))

    assert less.ranking.relevant[place] == 1
    assert len(less.ranking.found[place]) == 16
    assert not any(values[place] for values in less.scores.values())


def test_an_answer_without_a_vector_is_right_and_not_found(lake):
    """Of two red pictures one is lost: recall falls to a half, and none of its queries goes."""
    lost = without_segments(lake, Modality.IMAGE, content(lake, "red-1.png"))
    terms = terms_of(lost, lake, frozen_of=lake)  # what was frozen before stays frozen
    whole, less = common(lake, terms)["text:en→image"], common(lost, terms)["text:en→image"]
    red = whole.queries.index(content(lake, "red-1.txt"))

    assert whole.queries == less.queries
    assert (whole.scores["R@10"][red], less.scores["R@10"][red]) == (1, 0.5)
    assert (whole.ranking.relevant[red], less.ranking.relevant[red]) == (2, 2)
    assert asked(lost, terms)["text:en→image"].full.scores["R@10"][red] == 1


def test_a_query_without_a_vector_counts_nothing(lake):
    """A lost picture cannot ask: 0 in all measures, and it is there with nothing found."""
    gone = content(lake, "red-1.png")
    lost = without_segments(lake, Modality.IMAGE, gone)
    terms = terms_of(lost, lake, frozen_of=lake)
    whole, less = common(lake, terms)["image→text:en"], common(lost, terms)["image→text:en"]
    place = less.queries.index(gone)

    assert whole.queries == less.queries
    assert whole.scores["RR"][place] > 0
    assert {name: values[place] for name, values in less.scores.items()} == dict.fromkeys(
        less.scores, 0
    )
    assert not len(less.ranking.found[place])
    assert gone not in asked(lost, terms)["image→text:en"].full.queries


def test_an_item_that_cannot_ask_whole_counts_nothing(lake):
    """Of an item without its picture, neither present nor withheld finds it."""
    lost = without_segments(lake, Modality.IMAGE, content(lake, "red-1.png"))
    terms = terms_of(lost, lake, frozen_of=lake)
    whole, less = common(lake, terms)["withheld→image"], common(lost, terms)["withheld→image"]
    mine = [n for n, q in enumerate(less.queries) if q.startswith(f"{item(lake, 'red-1')}/")]

    assert whole.queries == less.queries
    assert mine
    assert np.all(less.scores["R@10"][mine] == 0.5)  # the other red picture


def test_changed_items_are_counted(lake, grown, tmp_path):
    """Of those that both hold; new ones are none."""
    edited = make_lake(tmp_path, {**ITEMS, "lone": {**LONE["lone"], "lone.txt": "Ice."}}, towers())

    assert (World.common(lake, grown).changed, World.common(lake, edited).changed) == (0, 1)


def test_what_either_learned_from_is_asked_of_neither(lake, grown):
    """The same pairs go from both."""
    seen = FittedOn(contents=frozenset({content(lake, "blue-1.png")}))
    terms = terms_of(grown, lake, fitted=seen)
    before, after = common(lake, terms), common(grown, terms)

    assert all(before[name].queries == after[name].queries for name in before)
    assert content(lake, "blue-1.txt") not in after["text:en→image"].queries


def test_equal_worlds_have_equal_digests(lake, grown):
    """By what both hold, whichever comes first; less in common is another world."""
    lost = without_segments(lake, Modality.IMAGE, content(lake, "red-1.png"))

    assert World.common(lake, grown).digest == World.common(grown, lake).digest
    assert World.common(lake, grown).digest == World.common(lake, lake).digest
    assert World.common(lost, lake).digest == World.common(lake, lake).digest
    assert World.common(lake, lost).digest == World.common(lake, lake).digest
    assert World.common(lost, lost).digest != World.common(lake, lake).digest
    assert World.common(grown, grown).digest != World.common(lake, grown).digest


def test_nothing_in_common_is_no_score(lake, tmp_path):
    """Lakes of other files have nothing to compare: no query, and no mean."""
    other = make_lake(tmp_path, MORE, towers())
    found = asked(other, terms_of(other, lake))["text:en→image"]

    assert len(found.full.queries) > 0
    assert (found.common.queries, found.common.means()) == ((), {})
