"""The words of a search over a lake of many names: which items come up, and in which order."""

import numpy as np
import pytest

from mmcore.search.words import bm25
from mmcore.search.words.bm25 import Lexicon
from mmcore.search.words.tokens import words_of
from mmcore.search.words.wording import Said, Wording
from tests.mmcore.search.words.conftest import item

NOBODY = np.empty(0, dtype=np.int64)
LONG = "we went to many places that year, and of all the days that one was the best for us: "
TEXTS = {
    **{f"trips/holiday-{number}": [] for number in range(60)},
    **{f"trips/paris-{number}": [] for number in range(60)},
    "notes/a": [f"{LONG} our holiday in paris, where {LONG}"],
}


@pytest.mark.parametrize("many", [0, 4096])
@pytest.mark.parametrize("count", [1, 5, 50])
def test_who_has_all_words_comes_up_however_many_have_one_as_a_name(
    lake, monkeypatch, count, many
):
    """A short name of half the words has a higher BM25 than a long text of all.

    Also where the coverage of all items is worked out, as there are many to look at.
    """
    monkeypatch.setattr(bm25, "_MANY", many)
    lexicon = Lexicon.of(lake(TEXTS))
    words = (*words_of("holiday paris"),)
    listed = Wording(lexicon, (Said(words, 1.0),)).listed(count, None, NOBODY)

    by_bm25 = lexicon.search(words, count).item_ids
    assert item("notes/a") not in by_bm25
    assert listed.item_ids[0] == item("notes/a")
    assert len(listed) == count
