import gc
import weakref

from mmcore.search.recent import Recent
from mmcore.search.words.bm25 import Lexicon


def test_what_was_used_last_is_kept():
    """Two results at most; one that is used again outlives one that was made after it."""
    made, recent = [], Recent(2)

    def make(key):
        made.append(key)
        return key.upper()

    assert [recent.of(key, make) for key in "abacab"] == [*"ABACAB"]
    assert made == [*"abcb"]


def test_a_lexicon_goes_with_its_last_user(lake):
    """It is in no cycle, so what was erased does not wait for the collector of those."""
    gc.disable()
    try:
        lexicon = Lexicon.of(lake({"a": ["red wall", "猫"]}))
        lexicon.search(["red", "猫"], 1)
        gone = weakref.ref(lexicon)
        del lexicon
        assert gone() is None
    finally:
        gc.enable()
