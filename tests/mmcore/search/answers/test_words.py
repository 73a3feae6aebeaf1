"""Words beside vectors, and alone."""

import pytest

from mmcore.errors import ConfigError
from mmcore.search.request import Part
from storage.schemas import item_id
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.answers.asking import AUDIO, COLOURED, IMAGE, asked, keys, searcher
from tests.worded import with_words


def test_words_find_what_vectors_do_not(lake):
    """An exact name wins, and says which words it has."""
    request = asked("Sentence 59 says", k=3)
    best = lake.answer(request).hits[0]
    (words,) = (reason for reason in best.why if reason.by == "words")

    assert best.key == "long"
    assert words.words == ("sentence", "59", "says")
    assert words.span is not None
    assert keys(lake.answer(asked("green-2", words=1, k=1))) == ["green-2"]


@pytest.mark.parametrize("query", ["a bell", "gong"])
def test_who_searches_sounds_gets_one_where_words_found_the_item(tmp_path, query):
    """By a text beside it, or by its name: the hit is the sound, the reason is words."""
    items = {**coloured_items(["red"]), "gong": {"g.wav": "25", "g.txt": "a bell, struck once"}}
    lake = searcher(with_words(make_lake(tmp_path, items, towers(audio=True))))
    answer = lake.answer(asked(query, modalities=(AUDIO,)))
    (hit,) = answer.hits

    assert (hit.key, hit.path, hit.modality) == ("gong", "g.wav", AUDIO)
    assert hit.segment_id in lake.snapshot.pairs(AUDIO)[1]
    assert [why.by for why in hit.why] == ["words"]
    assert any("by words alone" in note for note in answer.notes)


def test_chinese_words_are_words(lake):
    """A name in Chinese is found as one in English, with vectors or without."""
    for share in (None, 1):
        found = lake.answer(asked("灰色的墙", words=share, k=2))
        assert {*keys(found)} == {"grey-1", "grey-2"}
        assert "灰色" in found.hits[0].why[0].words


def test_words_that_say_nothing_are_no_reason(lake):
    """Who shares but an article was found by vectors; where there is no other reason it stays."""
    hits = lake.answer(asked("a zebra", k=3)).hits

    assert {reason.by for hit in hits for reason in hit.why} == {"fused"}
    (hit,) = lake.answer(asked("a zebra", words=1, k=1)).hits
    assert [(reason.by, reason.words) for reason in hit.why] == [("words", ())]


def test_words_alone_encode_nothing(lake):
    """No vector is asked for, and an item without the words does not come."""
    answer = lake.answer(asked("wall", words=1, k=99))

    assert len(answer.hits) == COLOURED
    assert all([reason.by for reason in hit.why] == ["words"] for hit in answer.hits)
    nothing = lake.answer(asked("zebra", words=1))
    assert (nothing.hits, nothing.notes) == (
        (),
        ("nothing that may be found has one of these words",),
    )


def test_words_bring_up_what_has_the_medium_that_is_searched(lake):
    """The long text has no picture, and so no place among pictures."""
    assert "long" not in keys(lake.answer(asked("Sentence 59", modalities=(IMAGE,), k=99)))


def test_without_a_table_vectors_answer_and_it_is_said(plain):
    """Unless words alone were asked for."""
    answer = plain.answer(asked("red", k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert any("words were not searched" in note for note in answer.notes)
    assert plain.answer(asked("red", words=0)).notes == ()
    with pytest.raises(ConfigError, match="words were not searched"):
        plain.answer(asked("red", words=1))


def test_words_need_a_text(lake):
    """Where something else is asked with, words are no error unless they were asked for alone."""
    part = Part(item=item_id("media", "red-1"))

    assert lake.answer(asked(part)).notes == ()
    assert any("no text" in note for note in lake.answer(asked(part, words=0.5)).notes)
    with pytest.raises(ConfigError, match="no text"):
        lake.answer(asked(part, words=1))
