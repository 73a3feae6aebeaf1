"""Lakes of colours, with a table of words and without."""

import pytest

from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.answers.asking import searcher
from tests.worded import with_words

LONG = " ".join(f"Sentence {n} says nothing." for n in range(60)) + " The pink end."
ITEMS = {**coloured_items(copies=2), "sound": {"s.wav": "25"}, "long": {"long.txt": LONG}}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two items a colour, one sound in a space of its own, one long text; no words."""
    return searcher(make_lake(tmp_path_factory.mktemp("湖"), ITEMS, towers(audio=True)))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """The same with words."""
    snapshot = make_lake(tmp_path_factory.mktemp("lake"), ITEMS, towers(audio=True))
    return searcher(with_words(snapshot))
