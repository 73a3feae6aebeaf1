"""Conditions and languages choose among answers."""

import pytest

from mmcore.errors import ConfigError
from tests.lakes import COLOURS
from tests.mmcore.search.answers.asking import COLOURED, IMAGE, TEXT, asked, keys


def test_a_condition_leaves_k_answers(lake):
    """Those that it allows, all of them, from each list."""
    where = "key like '%-2'"
    for modalities in ((), (IMAGE,), (IMAGE, TEXT)):
        found = keys(lake.answer(asked("red", modalities=modalities, where=where, k=99)))
        assert sorted(found) == sorted(f"{colour}-2" for colour in COLOURS)
        assert found[0] == "red-2"
    assert lake.answer(asked("red", where="key = 'nobody'")).hits == ()


def test_a_language_chooses_among_texts(lake):
    """As in a query; words too find only items that have such a text."""
    answer = lake.answer(asked("red", language="zh", k=99))

    assert len(answer.hits) == COLOURED
    assert {hit.path.endswith(".zh.txt") for hit in answer.hits} == {True}
    with pytest.raises(ConfigError, match="it has: en, zh"):
        lake.answer(asked("red", language="fr"))


def test_a_language_tells_no_text_of_another(lake):
    """A Chinese name in English texts: words bring up by Chinese texts, and tell nothing else."""
    for words in (None, 1):
        answer = lake.answer(asked("a red wall 红", language="zh", words=words, k=99))
        texts = [hit.text for hit in answer.hits if hit.text is not None]
        reasons = [why for hit in answer.hits for why in hit.why if why.by == "words"]

        assert reasons
        assert all("墙" in text for text in texts)
        assert all("wall" not in why.words for why in reasons)
        assert {why.segment_id for why in reasons} <= {None, *chinese(lake)}
    assert lake.answer(asked("wall", language="zh", words=1)).hits == ()
    with pytest.raises(ConfigError, match="it has: en, zh"):
        lake.answer(asked("red", language="fr", words=1))


def chinese(lake):
    """The ids of the Chinese texts."""
    rows = lake.snapshot.rows("segments/text", ["segment_id", "language"]).to_pylist()
    return {row["segment_id"] for row in rows if row["language"] == "zh"}
