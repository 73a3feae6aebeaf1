"""Which answers come, how many, and in what order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import ConfigError
from mmcore.search.ranking import stages
from mmcore.search.request import Part, SearchRequest
from storage.schemas import item_id
from tests.lakes import COLOURS
from tests.mmcore.search.answers.asking import (
    AUDIO,
    COLOURED,
    IMAGE,
    OPTIONS,
    PARTS,
    TEXT,
    asked,
    keys,
)


def test_nearly_equal_items_are_one_answer(lake):
    """Twins have equal captions: one stands, and counts the other; k still come."""
    request = asked("red", modalities=(TEXT,), collapse=True, words=0, k=len(COLOURS))
    answer = lake.answer(request)

    assert len(answer.hits) == len(COLOURS)
    assert answer.hits[0].key == "red-1" or answer.hits[0].key == "red-2"
    assert answer.hits[0].duplicates == 1


def test_variety_brings_others_up(lake):
    """After the best one its twin is not the next."""
    usual = keys(lake.answer(asked("red", words=0, k=2)))
    varied = keys(lake.answer(asked("red", words=0, diversity=0.9, k=2)))

    assert {*usual} == {"red-1", "red-2"}
    assert varied[0] == usual[0]
    assert varied[1] != usual[1]


@settings(max_examples=20)
@given(PARTS, OPTIONS, st.integers(1, 12), st.integers(0, 20))
def test_k_answers_come_where_k_exist(lake, parts, options, k, offset):
    """Each once, best first, equal ones by id; pages are the parts of one list."""
    page = lake.answer(SearchRequest(parts=(*parts,), k=k, offset=offset, **options)).hits
    everything = lake.answer(SearchRequest(parts=(*parts,), k=99, **options)).hits
    there = len(COLOURS) if options["where"] else COLOURED + (options["modalities"] != (IMAGE,))
    order = [(-hit.score, hit.item_id) for hit in everything]

    assert len(everything) == len({hit.item_id for hit in everything}) == there
    assert order == sorted(order)
    assert len(page) == min(k, max(0, there - offset))
    assert [hit.item_id for hit in page] == [
        hit.item_id for hit in everything[offset : offset + k]
    ]
    assert all(hit.why for hit in everything)


@settings(max_examples=20)
@given(PARTS, OPTIONS, st.randoms(use_true_random=False), st.sampled_from([0.25, 2.0, 4.0]))
def test_neither_the_order_of_parts_nor_the_unit_of_weights_counts(
    lake, parts, options, random, times
):
    """The same answer to the last digit."""
    other = [
        part.model_copy(update={"weight": part.weight * times})
        for part in random.sample(parts, len(parts))
    ]
    one = lake.answer(SearchRequest(parts=(*parts,), **options))
    two = lake.answer(SearchRequest(parts=(*other,), **options))

    assert one.hits == two.hits


def test_enough_are_left_after_equal_ones_are_put_together(lake, monkeypatch):
    """Eight are looked at first, and twins among them leave four: more are looked at."""
    monkeypatch.setattr(stages, "FIRST", len(COLOURS))
    request = asked("red", modalities=(IMAGE,), collapse=True, words=0, k=len(COLOURS))
    twins = lake.answer(request).hits

    assert len({hit.key.partition("-")[0] for hit in twins}) == len(twins) == len(COLOURS)


def test_what_one_list_did_not_find_is_scored_there_all_the_same(lake, monkeypatch):
    """Lists cut short say the same of an item as long ones."""
    request = asked("A blue wall.", modalities=(IMAGE, TEXT), k=4)
    whole = {hit.item_id: hit.score for hit in lake.answer(request).hits}
    monkeypatch.setattr(stages, "FIRST", 4)
    short = lake.answer(request).hits

    assert {hit.item_id: hit.score for hit in short} == pytest.approx(whole)


def test_scores_of_several_lists_are_deviations_above_the_usual(lake):
    """(score - mean) / deviation, over all pictures that there are."""
    hit = lake.answer(asked("red", modalities=(IMAGE, TEXT), words=0)).hits[0]
    told = {reason.by: reason for reason in hit.why}["image"]
    _, ids, vectors = lake.snapshot.vectors(IMAGE)
    scores = vectors @ lake._asker.text("red").vector
    mine = scores[ids.tolist().index(told.segment_id)]

    assert told.score == pytest.approx((mine - scores.mean()) / scores.std(), rel=1e-4)


def test_by_ranks_all_lists_count_alike(lake):
    """First by vectors and by words: 1/61 twice; with a share told, by that."""
    request = asked("Sentence 59 says", method="rrf", modalities=(TEXT,), k=1)
    parts = [reason.by for reason in lake.answer(request).hits[0].why]
    shared = lake.answer(request.model_copy(update={"words": 0.9})).hits[0]

    assert {*parts} == {"text", "words"}
    assert lake.answer(request).hits[0].score == pytest.approx(2 / 61)
    assert shared.score == pytest.approx(1 / 61)


def test_words_answer_where_no_vector_can(lake):
    """No medium can be asked by all of what is asked with, and notes say so of each."""
    sound = Part(item=item_id("media", "sound"))
    answer = lake.answer(asked("a red wall", sound, modalities=(IMAGE, AUDIO), k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert len(answer.notes) == 2
    with pytest.raises(ConfigError, match="no vector in the space"):
        lake.answer(asked(sound, modalities=(IMAGE,)))


def test_equal_scores_come_by_id_on_every_page(lake):
    """Twins score alike: whichever page cuts between them, the smaller id is on the first one."""
    for modalities in ((), (IMAGE,)):
        for cut in range(1, COLOURED):
            request = asked("a blue wall", words=0, modalities=modalities, k=cut)
            first = lake.answer(request).hits
            rest = lake.answer(request.model_copy(update={"offset": cut, "k": 99})).hits
            order = [(-hit.score, hit.item_id) for hit in (*first, *rest)]
            assert order == sorted(order)
