from __future__ import annotations

import numpy as np
import pytest

from mmcore.training import split
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys, fit_rows, held_out, is_held_out, turn


def texts(rows):
    """Rows of (item, segment, content, text)."""
    items, segments, contents, words = zip(*rows, strict=True)
    n = len(rows)
    return Rows(
        np.array(items, dtype=np.int64),
        np.array(segments, dtype=np.int64),
        contents,
        ("en",) * n,
        words,
        np.zeros((n, 2), np.float32),
    )


def test_about_the_wanted_share_is_held_out():
    """Of 2000 captions, 20 % (± 3) are; none at 0; and it is the same ones each time."""
    keys = [f"caption {i}" for i in range(2000)]
    found = [is_held_out(key, 0.2) for key in keys]

    assert 340 < sum(found) < 460
    assert found == [is_held_out(key, 0.2) for key in keys]
    assert not any(is_held_out(key, 0.0) for key in keys)


def test_a_larger_share_keeps_what_a_smaller_one_held_out():
    """Raising the share moves captions one way only, so that a fit never sees an old query."""
    keys = [f"caption {i}" for i in range(500)]

    assert {k for k in keys if is_held_out(k, 0.1)} <= {k for k in keys if is_held_out(k, 0.4)}


def test_equal_captions_share_a_key():
    """Case, article and full stop do not make another caption."""
    keys = caption_keys(
        texts([(1, 1, "a", "A frog."), (2, 2, "b", "the Frog"), (3, 3, "c", "A toad.")])
    )

    assert keys[0] == keys[1] != keys[2]


def test_a_text_in_chunks_is_one_caption():
    """Chunks share the key of all the words, also when the text serves two items."""
    rows = [
        (1, 1, "doc", "First part."),
        (1, 2, "doc", "Second part."),
        (2, 1, "doc", "First part."),
    ]

    assert caption_keys(texts(rows)) == ("first part second part",) * 3
    assert caption_keys(texts([(1, 1, "a", "A frog."), (2, 1, "a", "A frog.")])) == (
        "frog",
        "frog",
    )


def test_a_long_text_and_its_copy_are_one_caption():
    """Two files of equal words have one key, a short one however long they are; others another."""
    long = [f"Sentence {n} says nothing at all." for n in range(40)]
    copies = [(1, n, "lf", part) for n, part in enumerate(long)]
    copies += [(2, 100 + n, "crlf", part) for n, part in enumerate(long)]
    keys = caption_keys(texts([*copies, (3, 200, "other", long[0]), (3, 201, "other", long[1])]))

    assert len(set(keys[:80])) == 1
    assert len(set(keys)) == 2
    assert len(keys[0]) == 32


def test_an_item_with_any_held_out_caption_is_not_fitted_on(monkeypatch):
    """Only the held-out caption is a query, but its whole item stays out of the fit."""
    monkeypatch.setattr(split, "is_held_out", lambda key, share: key == "toad")
    rows = texts(
        [
            (1, 1, "a", "A toad."),
            (1, 2, "b", "An animal."),
            (2, 3, "c", "An animal."),
            (3, 4, "d", "A cow."),
        ]
    )

    assert held_out(rows, 0.2).tolist() == [True, False, False, False]
    assert fit_rows(rows, 0.2).tolist() == [False, False, True, True]


def test_frozen_items_are_never_fitted_on():
    """Whatever share is held out, and though others have the same caption."""
    rows = texts([(1, 1, "a", "A toad."), (2, 1, "a", "A toad."), (3, 2, "b", "A cow.")])

    assert fit_rows(rows, 0.0, np.array([2, 9])).tolist() == [True, False, True]


def test_what_is_held_out_by_a_share_is_by_a_larger_one():
    """Keys have an order: ``turn`` tells which one comes first."""
    keys = [f"key {number}" for number in range(50)]
    first = sorted(keys, key=turn)

    for share in (0.1, 0.5, 0.9):
        held = [key for key in first if is_held_out(key, share)]
        assert held == first[: len(held)]


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_no_text_gives_no_row(share):
    """An empty lake has nothing to fit on."""
    assert len(fit_rows(Rows.empty(2), share)) == 0
