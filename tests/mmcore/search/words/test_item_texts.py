"""Tests of which item has which texts."""

import numpy as np
import pytest

from mmcore.search.words.item_texts import FEW, ItemTexts

TEXTS = [0, 1, FEW, FEW + 1, 3 * FEW, 0, 2, FEW + 5, 0]


@pytest.fixture
def owners():
    """Items with as many texts as ``TEXTS`` says; the first of each is one of the item before."""
    items, segments, free = [], [], 0
    for item, count in enumerate(TEXTS):
        for number in range(count):
            items.append(item)
            free += 0 if number == 0 and free else 1
            segments.append(free - 1)
    known = np.arange(len(TEXTS)), np.arange(free)
    return ItemTexts.of(np.array(items), np.array(segments), *known), free


@pytest.mark.parametrize("seed", range(5))
def test_an_item_scores_by_its_best_text(owners, seed):
    """With a few texts, with many, and with none, which is 0."""
    found, texts = owners
    rng = np.random.default_rng(seed)
    scores = rng.random(texts).astype(np.float32) - np.float32(0.3)
    pairs = scores[found.documents]
    due = [
        max(pairs[a:b], default=0)
        for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)
    ]

    assert found.maxima(pairs).tolist() == [np.float32(one) for one in due]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_text_of_some_items(owners, seed):
    """Of equals the first; none where no text scores above 0."""
    found, texts = owners
    scores = np.random.default_rng(seed).integers(-1, 3, texts).astype(np.float32)
    items = np.random.default_rng(seed).permutation(len(TEXTS))
    due = []
    for item in items.tolist():
        mine = found.documents[found.starts[item] : found.starts[item + 1]]
        good = len(mine) and scores[mine].max() > 0
        due.append(int(mine[scores[mine].argmax()]) if good else -1)

    assert found.best(items, scores).tolist() == due
