"""A user's query sets, asked."""

import logging
from math import log2

import numpy as np
import pytest
from PIL import Image

from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.querysets.ask import user_outcomes
from mmcore.evaluation.querysets.imported import import_pairs, import_qrels
from mmcore.evaluation.querysets.pairs import AGREEMENT
from mmcore.evaluation.scores import Unscored
from mmcore.specs import EvaluationSpec
from storage.errors import CorruptLakeError
from storage.querysets import read_sets, write_set
from storage.schemas import Modality
from storage.tables import read_parts, write_part
from tests import media
from tests.lakes import COLOURS, ColourEncoder, coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import (
    bench_of,
    content,
    item,
    same_scores,
    terms_of,
    without_segments,
)


@pytest.fixture
def lake(tmp_path):
    """Three items of each of eight colours."""
    return make_lake(tmp_path, coloured_items(copies=3), towers())


@pytest.fixture
def put(lake, tmp_path):
    """Import a set, of judgements by default; returns nothing."""

    def put(text, read=import_qrels, into=None, **options):
        path = tmp_path / "given.csv"
        path.write_text(text, encoding="utf-8")
        snapshot = into or lake
        found = read(snapshot, path, **options)
        card = found.card(f"set-{len(read_sets(snapshot.layout))}")
        write_set(snapshot.layout, card, found.queries, found.qrels, found.media)

    return put


def asked(snapshot, before=None, **spec):
    """Direction → what came of it, of all sets."""
    spec = EvaluationSpec(min_queries=1, **spec)
    bench = bench_of(snapshot, terms_of(snapshot, before, spec))
    found = list(user_outcomes(bench, read_sets(snapshot.layout)))
    return {one.full.label if isinstance(one, Measured) else one.name: one for one in found}


def similarities(snapshot, text):
    """Picture's item → score of a query text, by the encoders themselves."""
    query = ColourEncoder(Modality.TEXT).encode_query(text)
    _, ids, vectors = snapshot.vectors(Modality.IMAGE)
    items, segments = snapshot.pairs(Modality.IMAGE)
    of = dict(zip(segments.tolist(), items.tolist(), strict=True))
    scores = np.round(vectors @ query, 6).tolist()
    return {of[segment]: score for segment, score in zip(ids.tolist(), scores, strict=True)}


def test_every_way_that_shares_a_space_is_asked(lake, put):
    """Texts of the query's own language, too: nothing is hidden from a user's query."""
    put("query,item\nred wall,media/red-1\n")

    assert asked(lake).keys() == {
        f"set-0/text:en→{target}" for target in ("image", "text:en", "text:zh", "fused")
    }


def test_a_ranking_is_that_of_the_inner_products(lake, put):
    """The rank of the judged picture, counted by hand."""
    put("query,item\nsome red wall,media/red-2\n")
    scores, right = similarities(lake, "some red wall"), item(lake, "red-2")
    rank = sum((-s, i) <= (-scores[right], right) for i, s in scores.items())

    found = asked(lake)["set-0/text:en→image"].full

    assert found.ranking.first.tolist() == [rank]
    assert found.scores["RR"].tolist() == pytest.approx([1 / rank])
    assert (found.gallery, found.languages, found.groups.tolist()) == (24, ("en",), [right])


def test_grades_count(lake, put):
    """The gain of a hit is its grade: what comes first with 1 and second with 3 is not ideal."""
    scores = similarities(lake, "some red wall")
    first, second = sorted(scores, key=lambda i: (-scores[i], i))[:2]
    put(f"query,item,grade\nsome red wall,{first},1\nsome red wall,{second},3\n")

    found = asked(lake)["set-0/text:en→image"].full

    gained, ideal = 1 / log2(2) + 3 / log2(3), 3 / log2(2) + 1 / log2(3)
    assert found.scores["nDCG@10"].tolist() == pytest.approx([gained / ideal])
    assert found.scores["R@10"].tolist() == [1]


def test_an_item_that_is_not_relevant_is_no_hit(lake, put):
    """Grade 0 is judged, and wrong."""
    scores = similarities(lake, "some red wall")
    first, second = sorted(scores, key=lambda i: (-scores[i], i))[:2]
    put(f"query,item,grade\nsome red wall,{first},0\nsome red wall,{second},1\n")

    assert asked(lake)["set-0/text:en→image"].full.scores["RR"].tolist() == [0.5]


def test_a_picture_asks_with_its_vector(lake, put, tmp_path):
    """As a search with that file would."""
    media.png(tmp_path / "asked.png", Image.new("RGB", (9, 9), COLOURS["green"][1]))
    put("query,modality,item\nasked.png,image,media/green-1\nred wall,text,media/red-1\n")

    found = asked(lake)

    green = {item(lake, f"green-{n}") for n in (1, 2, 3)}
    hits = found["set-0/image→fused"].full.ranking.found
    assert set(hits[0][:3].tolist()) == green
    assert len(found["set-0/image→text:zh"].full.queries) == 1


def test_a_file_that_cannot_be_used_finds_nothing(lake, put, tmp_path, caplog):
    """It counts 0, and is told by its query's id alone; the others are asked."""
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    media.png(tmp_path / "good.png", Image.new("RGB", (9, 9), COLOURS["green"][1]))
    put("query,modality,item\nbad.png,image,media/red-1\ngood.png,image,media/green-1\n")

    with caplog.at_level(logging.WARNING):
        found = asked(lake)["set-0/image→image"].full

    assert sorted(found.scores["Success@5"].tolist()) == [0, 1]
    assert "it finds nothing" in caplog.text


def test_judged_items_that_are_not_there_are_no_answers(lake, put):
    """A query that has no other is not asked, and a set that has none is not scored."""
    put("query,item\nred wall,media/red-1\nred wall,media/red-2\nblue wall,media/blue-1\n")
    put("query,item\nblue wall,media/blue-1\n")
    small = lake
    for name in ("red-2", "blue-1"):
        small = without_segments(small, "image", content(lake, f"{name}.png"))

    found = asked(small)

    assert found["set-0/text:en→image"].full.ranking.relevant.tolist() == [1]
    assert len(found["set-0/text:en→image"].full.queries) == 1
    assert found["set-1/text:en→image"] == Unscored(name="set-1/text:en→image", queries=0)


def test_too_few_queries_are_told_and_not_scored(lake, put):
    """With the set's name before the direction's."""
    put("query,item\nred wall,media/red-1\n")
    bench = bench_of(lake, terms_of(lake, None, EvaluationSpec(min_queries=2)))

    found = list(user_outcomes(bench, read_sets(lake.layout)))

    assert Unscored(name="set-0/text:en→image", queries=1) in found


def test_growth_alone_moves_no_compared_score(lake, put, tmp_path_factory):
    """Within what both hold, the grown snapshot scores as the one before."""
    before = make_lake(tmp_path_factory.mktemp("before"), coloured_items(copies=2), towers())
    text = "query,item\nred wall,media/red-1\nblue wall,media/blue-2\n青,media/pink-1\n"
    put(text)
    put(text, into=before)

    after = asked(lake, before)
    terms = terms_of(lake, before, EvaluationSpec(min_queries=1))
    cards = read_sets(before.layout)
    earlier = {
        one.full.label: one
        for one in user_outcomes(bench_of(before, terms), cards)
        if isinstance(one, Measured)
    }

    assert after.keys() == earlier.keys()
    for name, one in after.items():
        assert same_scores(one.common, earlier[name].common)
        assert one.common.gallery == 16
    assert after["set-0/text:en→image"].full.gallery == 24


def test_what_a_snapshot_lost_counts_against_it(lake, put):
    """A right picture without a vector is right in common all the same, and not found."""
    put("query,item\nred wall,media/red-1\nblue wall,media/blue-1\n")
    worse = without_segments(lake, "image", content(lake, "red-1.png"))

    found = asked(worse, lake)["set-0/text:en→image"]

    assert len(found.full.queries) == 1
    assert found.common.ranking.relevant.tolist() == [1, 1]
    assert sorted(found.common.scores["Success@10"].tolist()) == [0, 1]


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """The same files, of which the English captions of two items have changed places."""
    items = {key: dict(files) for key, files in coloured_items(copies=3).items()}
    one, other = items["red-1"]["red-1.txt"], items["blue-1"]["blue-1.txt"]
    items["red-1"]["red-1.txt"], items["blue-1"]["blue-1.txt"] = other, one
    return make_lake(tmp_path_factory.mktemp("swapped"), items, towers())


@pytest.mark.parametrize("target", ["text:en", "fused"])
def test_a_swapped_caption_counts_against_a_snapshot(lake, put, swapped, target):
    """What is right was judged by items: with what each snapshot has of them they are compared."""
    text = "query,item\na red wall,media/red-1\na blue wall,media/blue-1\n"
    put(text)
    put(text, into=swapped)
    after = asked(swapped, lake)[f"set-0/text:en→{target}"].common
    terms = terms_of(swapped, lake, EvaluationSpec(min_queries=1))
    found = user_outcomes(bench_of(lake, terms), read_sets(lake.layout))
    before = {one.full.label: one for one in found}[f"set-0/text:en→{target}"].common

    assert len(after.queries) == len(before.queries) == 2
    assert after.gallery == before.gallery == 24
    assert after.means()["RR"] < before.means()["RR"]


def test_an_answer_that_the_user_took_away_is_not_asked_for(lake, put, tmp_path_factory):
    """A picture whose file is gone is no loss of the snapshot's; its item's captions stay."""
    items = {key: dict(files) for key, files in coloured_items(copies=3).items()}
    del items["red-1"]["red-1.png"]
    less = make_lake(tmp_path_factory.mktemp("less"), items, towers())
    put("query,item\na red wall,media/red-1\na blue wall,media/blue-1\n", into=less)

    found = asked(less, lake)

    assert len(found["set-0/text:en→image"].common.queries) == 1
    assert len(found["set-0/text:en→text:en"].common.queries) == 2


def pairs_of(colours):
    """A CSV of a sentence about each colour in both languages."""
    rows = [f"一面{COLOURS[colour][0]}色的墙,the {colour} wall" for colour in colours]
    return "zh,en\n" + "\n".join(rows) + "\n"


def test_pairs_find_one_another(lake, put):
    """Towers that know colours put the other sentence first, in both directions."""
    put(pairs_of(COLOURS), import_pairs)

    found = asked(lake)

    assert found.keys() == {"set-0/pairs:zh→en", "set-0/pairs:en→zh"}
    for one in found.values():
        assert one.full.scores["Success@1"].tolist() == [1] * 8
        assert (one.full.gallery, one.common) == (8, None)
        assert sorted(one.full.groups.tolist()) == list(range(1, 9))


def test_equal_sentences_are_right_for_one_another(lake, put):
    """A caption that stands twice is found by both of its translations."""
    put("zh,en\n红色,the red wall\n红,The red wall!\n蓝,the blue wall\n", import_pairs)

    found = asked(lake)["set-0/pairs:zh→en"].full

    assert found.ranking.relevant.tolist() == [2, 2, 1]
    assert found.groups.tolist() == [1, 1, 3]


def test_agreement_is_the_share_of_items_that_both_find(lake, put):
    """Counted by hand over the first ten pictures and fused items of each sentence."""
    put("zh,en\n一面红色的墙,the red wall\n一面蓝色的墙,a pink wall\n", import_pairs)
    encoder = ColourEncoder(Modality.TEXT)
    asking = [("一面红色的墙", "the red wall"), ("一面蓝色的墙", "a pink wall")]
    fused, vectors, _ = lake.fused()

    def first(text, target):
        if target == "image":
            scores = similarities(lake, text)
        else:
            made = vectors @ encoder.encode_query(text)
            scores = dict(zip(fused.tolist(), np.round(made, 6).tolist(), strict=True))
        return set(sorted(scores, key=lambda i: (-scores[i], i))[:10])

    by_hand = [
        np.mean([len(first(zh, t) & first(en, t)) / 10 for t in ("image", "fused")])
        for zh, en in asking
    ]
    found = asked(lake, lake)["set-0/pairs:zh→en"]

    assert found.full.scores[AGREEMENT].tolist() == pytest.approx(by_hand)
    assert same_scores(found.full, found.common)
    assert by_hand[0] > by_hand[1]


def test_queries_with_a_right_answer_in_common_are_one_group(lake, put):
    """Whichever of their items is the smallest; a query of its own is a group of its own."""
    reds, blue = sorted(item(lake, f"red-{n}") for n in (1, 2, 3)), item(lake, "blue-1")
    put(
        "query,language,item\n"
        + "".join(f"a red one,en,{one}\n" for one in (reds[0], reds[2]))
        + "".join(f"another red one,en,{one}\n" for one in (reds[1], reds[2]))
        + f"a blue one,en,{blue}\n"
    )
    found = asked(lake)["set-0/text:en→image"].full

    assert sorted(found.groups.tolist()) == sorted([reds[0], reds[0], blue])


def test_a_damaged_set_is_not_left_out(lake, put):
    """A night without it would pass for one with it."""
    put("query,item\nred wall,media/red-1\nblue wall,media/blue-1\n")
    path = lake.layout.query_set("set-0") / "qrels.parquet"

    write_part(path, read_parts([path]).slice(0, 1))

    with pytest.raises(CorruptLakeError, match="not what was imported"):
        asked(lake)
