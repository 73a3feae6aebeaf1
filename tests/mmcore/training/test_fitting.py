from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.features import Group, Reading, directions
from mmcore.encoders.heads import MediaHead
from mmcore.training.fitting import BACKGROUND, UNSEEN, Ending, head_of, text_head
from mmcore.training.pairs import Pairs
from mmcore.training.ridge import Choice, folds
from mmcore.training.rows import Rows


def test_a_content_weighs_once_in_the_mean_of_its_language():
    """Three chunks of a book (1, 0) and a caption (0, 1) are two texts beside 20 neutral ones."""
    rows = Rows(
        np.array([1, 1, 1, 2]),
        np.arange(4),
        ("book", "book", "book", "caption"),
        ("en",) * 4,
        ("a", "b", "c", "d"),
        np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32),
    )
    nothing = np.zeros((1, 2), dtype=np.float32)
    found = text_head({"en": nothing, "zh": nothing}, rows)

    assert found.means["en"] == pytest.approx([1 / (BACKGROUND + 2)] * 2)
    assert found.means["other"] == pytest.approx([1 / (BACKGROUND + 2)] * 2)
    assert found.means["zh"].tolist() == [0, 0]


def fitted(ending: Ending, how: Choice | int = 5) -> tuple[MediaHead, Choice, Pairs]:
    """A head of forty contents whose captions follow their cells, and the pairs it learned."""
    rng = np.random.default_rng(0)
    cells = rng.standard_normal((40, 8)).astype(np.float32)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True)
    said = directions(cells[:, :5] + 0.2 * rng.standard_normal((40, 5)))
    nothing = np.zeros_like(said)
    pairs = Pairs(
        tuple(f"c{i}" for i in range(40)),
        tuple(range(40)),
        tuple(f"key {i}" for i in range(40)),
        cells,
        {"en": said, "zh": nothing, "other": nothing},
    )
    head, choice = head_of(Reading((Group(0, 8),)), None, pairs, ending, how)
    return head, choice, pairs


def test_a_content_that_was_fitted_on_lies_where_an_unseen_one_would():
    """Trained heads place their own contents without their captions; others as the plain head."""
    shared = Ending(np.eye(5, dtype=np.float32), shared=True)
    head, choice, pairs = fitted(shared)
    assert head.fitted is not None
    assert head.fitted.shift is not None
    plain = replace(head, fitted=replace(head.fitted, shift=None))
    new = (pairs.cells + np.roll(pairs.cells, 1, axis=0)) / 2
    near, far = (
        np.einsum("nd,nd->n", h.project(pairs.cells), pairs.target) for h in (plain, head)
    )

    np.testing.assert_allclose(head.project(new), plain.project(new), atol=1e-6)
    assert near.mean() > far.mean() + 0.02
    rounded = pairs.cells.astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(head.project(rounded), head.project(pairs.cells), atol=0.01)
    assert far == pytest.approx(_held_out(pairs, choice, head), abs=1e-3)


def _held_out(pairs: Pairs, choice: Choice, head: MediaHead) -> np.ndarray:
    """How near each content lies to its caption by a regression over the other four folds."""
    assert head.fitted is not None
    kernel = head.fitted.comparison.kernel(head.fitted.support, head.fitted.support)
    fold, found = folds(pairs.keys, UNSEEN), np.zeros((len(pairs), 5))
    for number in range(UNSEEN):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        targets = pairs.target[train] - pairs.target[train].mean(axis=0)
        ridge = choice.ridge * np.eye(len(train))
        learned = np.linalg.solve(kernel[np.ix_(train, train)] + ridge, targets)
        found[test] = kernel[np.ix_(test, train)] @ learned
    return np.asarray(np.einsum("nd,nd->n", directions(found), pairs.target))


def test_what_indexing_fits_keeps_its_own_contents_near_their_captions():
    """Only training places them as unseen."""
    head, _, _ = fitted(Ending(np.eye(5, dtype=np.float32)))

    assert head.fitted is not None
    assert head.fitted.shift is None
