"""What was erased is not held by what looked at it."""

import gc
import weakref

from mmcore.search.words.bm25 import Lexicon


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
