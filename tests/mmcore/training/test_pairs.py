from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.heads import LANGUAGES, TextHead
from mmcore.specs import FitSpec
from mmcore.training import pairs as module
from mmcore.training.naming import naming_of
from mmcore.training.pairs import captions_of, enough, pairs_of
from mmcore.training.rows import Rows

HEAD = TextHead("fitted", {name: np.zeros(2, dtype=np.float32) for name in LANGUAGES})


def rows(entries, vectors):
    """Rows of (item, content, language, text)."""
    items, contents, languages, texts = zip(*entries, strict=True)
    return Rows(
        np.array(items, dtype=np.int64),
        np.arange(len(items), dtype=np.int64),
        contents,
        languages,
        texts,
        np.array(vectors, dtype=np.float32),
    )


TEXTS = rows(
    [
        (1, "a", "zh", "青蛙"),
        (1, "b", "en", "A frog."),
        (1, "c", "en", "A toad."),
        (2, "d", None, "Фрог"),
    ],
    [[1, 0], [0.6, 0.8], [0.6, -0.8], [0, 1]],
)


def test_captions_of_an_item_are_averaged_per_language():
    """Two English captions (.6, ±.8) say (1, 0); the key is the first English one's."""
    found = captions_of(TEXTS, HEAD)

    assert found[1].said["en"] == pytest.approx([1, 0])
    assert found[1].said["zh"] == pytest.approx([1, 0])
    assert found[1].key == "frog"
    assert found[2].said["other"] == pytest.approx([0, 1])


def test_items_that_captions_connect_have_one_key():
    """1 and 2 share Chinese, 2 and 3 English; punctuation alone connects nobody."""
    texts = rows(
        [
            (1, "a", "en", "A toad."),
            (1, "b", "zh", "青蛙"),
            (2, "f", "zh", "青蛙"),
            (2, "c", "en", "A frog."),
            (3, "g", "en", "A frog."),
            (3, "d", "en", "?"),
            (4, "h", "en", "?"),
            (4, "e", "zh", "狗"),
        ],
        np.eye(8)[:, :2],
    )

    assert naming_of(texts).keys == {1: "frog", 2: "frog", 3: "frog", 4: "狗"}


def test_a_pair_is_a_contents_mean_cell_and_its_items_captions():
    """Two windows of one sound count once; a content without captions not at all."""
    sounds = rows(
        [(1, "s", None, None), (1, "s", None, None), (2, "t", None, None), (9, "u", None, None)],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]],
    )
    found = pairs_of([sounds], captions_of(TEXTS, HEAD), 2)
    place = found.content_ids.index("s")

    assert sorted(found.content_ids) == ["s", "t"]
    assert found.cells[place].tolist() == [0.5, 0.5, 0]
    assert found.keys[place] == "frog"
    assert found.item_ids[place] == 1
    assert found.target[place] == pytest.approx([1, 0])
    assert found.has("zh").sum() == 1


def test_pairs_do_not_hang_on_the_order_and_are_bounded(monkeypatch):
    """Which pairs are taken is decided by hash, so two runs over one lake fit the same head."""
    monkeypatch.setattr(module, "MOST", 4)
    many = rows([(1, f"s{i}", None, None) for i in range(9)], np.eye(9))
    captions = captions_of(TEXTS, HEAD)
    one, other = (
        pairs_of([many.take(np.array(o))], captions, 2) for o in (range(9), range(8, -1, -1))
    )

    assert len(one) == 4
    assert one.content_ids == other.content_ids
    np.testing.assert_array_equal(one.cells, other.cells)


def test_nothing_to_pair_is_an_empty_set():
    """No rows, or no captions: no pair, in the right shape."""
    found = pairs_of([Rows.empty(3)], {}, 2)

    assert len(found) == 0
    assert found.target.shape == (0, 2)


def test_it_takes_different_captions_and_different_contents():
    """Sixteen items of one picture, or of seven captions, teach nothing that can be tried."""
    spec, own = FitSpec(), {i: f"thing {i}" for i in range(16)}
    pairs = [(f"p{i}", i) for i in range(16)]

    assert enough(pairs, own, spec)
    assert not enough([("p", i) for i in range(16)], own, spec)
    assert not enough(pairs, {i: f"thing {i % 7}" for i in range(16)}, spec)
    assert not enough(pairs[:15], own, spec)


def test_captions_are_told_by_what_is_known_of_their_items():
    """Items of one picture have one key, which their captions alone do not tell."""
    naming = naming_of(TEXTS, [("p", 1), ("p", 2)])
    captions = captions_of(TEXTS, HEAD, naming)

    assert {of.key for of in captions.values()} == {"frog"}
