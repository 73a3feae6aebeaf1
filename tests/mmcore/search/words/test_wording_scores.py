from dataclasses import replace

import numpy as np
import pytest

from mmcore.search.ranking.lists import Listed
from mmcore.search.words.wording import Said, Wording

ITEMS = {1: ("red",), 2: ("red", "wall"), 3: ("wall",), 4: ("sky",)}
NOBODY = np.empty(0, dtype=np.int64)


class Lexicon:
    """Words of items; each counts one."""

    def search(self, words, k, allowed_items=None):
        """By the number of words."""
        scores = {i: len({*words} & {*own}) for i, own in ITEMS.items()}
        found = [i for i in ITEMS if scores[i] and (allowed_items is None or i in allowed_items)]
        listed = Listed.of(
            "words",
            np.array(found, dtype=np.int64),
            np.array([scores[i] for i in found]),
            10 * np.array(found, dtype=np.int64),
        )
        return listed.first(k)

    def fitting(self, words, k, steep, allowed_items=None):
        """By the number of words and their share."""
        found = self.search(words, len(ITEMS), allowed_items)
        fit = found.scores * self.coverage(words, found.item_ids) ** steep
        return found.item_ids[np.argsort(-fit, kind="stable")[:k]]

    def coverage(self, words, items):
        """The share of the words."""
        return np.array([len({*words} & {*ITEMS[i]}) / len({*words}) for i in items.tolist()])

    def matched(self, items, words):
        """In the order asked."""
        return [tuple(word for word in words if word in ITEMS[i]) for i in items.tolist()]


def wording(*said):
    """Texts as words, and their weights."""
    return Wording(Lexicon(), tuple(Said(tuple(text.split()), weight) for text, weight in said))


def test_all_words_are_worth_far_more_than_half_of_them():
    """12 for all; 12 · (1/2)⁴ · 1/2 for one of two words, which BM25 has half as near."""
    listed = wording(("red wall", 1.0)).listed(10, None, NOBODY)

    assert listed.item_ids.tolist() == [2, 1, 3]
    assert listed.scores.tolist() == pytest.approx([12, 0.375, 0.375])
    assert listed.segment_ids.tolist() == [20, 10, 30]


def test_words_alone_go_by_bm25():
    """12 for the best one; what has half its score has 6."""
    asked = replace(wording(("red wall", 1.0)), alone=True)

    assert asked.listed(10, None, NOBODY).scores.tolist() == [12, 6, 6]


def test_what_is_not_wanted_takes_away():
    """Items come by the words that are wanted, and those that have the others come last."""
    listed = wording(("red", 1.0), ("wall", -1.0)).listed(10, None, NOBODY)

    assert listed.item_ids.tolist() == [1, 2]
    assert listed.scores.tolist() == [12, 0]


def test_only_the_ratio_of_weights_counts():
    """Twice each weight is the same search."""
    one, two = wording(("red", 1.0), ("wall", 2.0)), wording(("red", 2.0), ("wall", 4.0))
    items = np.array([1, 2, 3, 4])

    assert one.scores(items)[0].tolist() == two.scores(items)[0].tolist() == [4, 12, 8, 0]


def test_some_items_are_left_out_and_the_others_come():
    """As many as are wanted, where there are as many."""
    asked = wording(("red wall", 1.0))

    assert asked.listed(1, None, np.array([2])).item_ids.tolist() == [1]
    assert asked.listed(9, np.array([1, 3]), NOBODY).item_ids.tolist() == [1, 3]


def test_items_without_a_word_have_no_score_and_no_segment():
    """A text that nobody has a word of brings up nobody."""
    scores, segments = wording(("zebra", 1.0)).scores(np.array([1, 4]))

    assert (scores.tolist(), segments.tolist()) == ([0, 0], [-1, -1])
    assert len(wording(("zebra", 1.0)).listed(9, None, NOBODY)) == 0


def test_the_words_of_what_is_wanted_are_named():
    """Each once, in the order asked; never those that are not wanted."""
    asked = wording(("wall red red", 1.0), ("sky", -1.0))

    assert asked.matched(np.array([2, 4])) == [("wall", "red"), ()]
