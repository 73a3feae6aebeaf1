from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.features import directions
from mmcore.training.naming import Sameness
from mmcore.training.pairs import Pairs
from mmcore.training.ridge import (
    GAMMAS,
    LABEL_SHARES,
    RIDGES,
    Problem,
    _Asked,
    choose,
    coefficients,
    folds,
    whitening_of,
)


def problem(labels=None, n=40, noise=0.0):
    """Pairs whose kernel is their targets' own likeness: there is much to learn."""
    rng = np.random.default_rng(0)
    said = directions(rng.standard_normal((n, 5)))
    nothing = np.zeros_like(said)
    pairs = Pairs(
        tuple(f"c{i}" for i in range(n)),
        tuple(range(n)),
        tuple(f"k{i}" for i in range(n)),
        said.astype(np.float32),
        {"en": said, "zh": nothing, "other": nothing},
    )
    seen = directions(said + noise * rng.standard_normal(said.shape))
    return Problem(pairs, 1 - seen @ seen.T, labels, np.eye(5))


def test_whitening_by_hand():
    """Covariance diag(1, 0), mean .5, 3 means added: 1.5/2.5 · 4/3 … = .8 and 4/3 · 1."""
    axis = np.array([[1.0, 0.0]])

    assert whitening_of(np.zeros((0, 2)), axis) == pytest.approx(np.diag([2 / 2.5, 2 / 1.5]))


def test_texts_outweigh_the_prior_as_they_grow():
    """200 texts along the second axis balance a prior along the first."""
    found = whitening_of(np.tile([[0.0, 1.0]], (200, 1)), np.array([[1.0, 0.0]]))

    assert found == pytest.approx(np.eye(2), abs=1e-6)


def test_without_a_prior_nothing_is_whitened():
    """What leads into a joint space is to lie among what is there."""
    assert whitening_of(np.array([[1.0, 0.0]]), None).tolist() == [[1, 0], [0, 1]]


def test_equal_keys_are_in_one_fold_and_order_does_not_matter():
    """Folds are as even as they can be: 7 keys over 5 folds are 1 or 2 each."""
    keys = ["a", "b", "c", "d", "e", "f", "g", "a"]
    found = dict(zip(keys, folds(keys, 5).tolist(), strict=True))

    assert folds(keys, 5)[0] == folds(keys, 5)[7]
    assert sorted(np.bincount(list(found.values()), minlength=5).tolist()) == [1, 1, 1, 2, 2]
    assert dict(zip(keys[::-1], folds(keys[::-1], 5).tolist(), strict=True)) == found


def test_clean_pairs_take_little_ridge_and_find_their_captions():
    """Where the kernel tells all, the held-out reciprocal rank is near 1."""
    choice = choose(problem(), 5)

    assert choice.score > 0.9
    assert choice.ridge in RIDGES
    assert choice.gamma in GAMMAS
    assert choice.label_share == 0.0


def test_useless_pairs_leave_the_labels_in_charge():
    """A kernel that says nothing, labels that are right: the largest ridge and share win."""
    good = problem()
    apart = 100.0 * (1 - np.eye(len(good.pairs)))
    useless = Problem(good.pairs, apart, good.pairs.target, np.eye(5))
    choice = choose(useless, 5)

    assert (choice.ridge, choice.label_share) == (max(RIDGES), max(LABEL_SHARES))
    assert choice.score == pytest.approx(1.0)


def test_the_regression_explains_what_it_was_given():
    """With a small ridge, kernel times coefficients is the target less what it starts from."""
    given = problem()
    choice = choose(given, 5)
    small = coefficients(given, replace(choice, ridge=1e-6, label_share=0.0))
    wanted = given.pairs.target - given.pairs.target.mean(axis=0)

    np.testing.assert_allclose(given.kernel(choice.gamma) @ small, wanted, atol=1e-2)


def test_what_was_fitted_on_can_be_in_the_gallery():
    """A rival that is nearer than the right content halves the rank, in both directions."""
    given = problem(n=4)
    new, old = _Asked.of(given, np.array([0, 1])), _Asked.of(given, np.array([2, 3]))
    said = given.pairs.said["en"]
    rivals = np.stack([said[0], -said[0]])  # one of them right at the first caption

    alone, among = new.ranks(said[:2] * 0.9), new.ranks_among(said[:2] * 0.9, old, rivals)
    assert alone[0].tolist() == [1, 1]
    assert among[0].tolist() == [0.5, 1]
    assert among[-1].tolist() == [1, 1]  # contents ask captions, and none of these is a rival


def test_a_choice_counts_both_galleries():
    """Fitted contents right at their captions are no rivals: a small ridge puts them there."""
    alone = choose(problem(noise=0.5), 4)
    lake = choose(replace(problem(noise=0.5), lake=True), 4)

    assert lake.score < alone.score
    assert lake.ridge <= alone.ridge


def test_a_tag_that_is_asked_is_right_for_all_that_have_it():
    """All items say one Chinese word: it finds one in any gallery, the first; English its own."""
    given = problem(n=12)
    word = np.tile(np.eye(5)[:1], (12, 1))
    tag = np.ones((12, 1), dtype=np.float32)
    nothing = np.zeros((12, 1), dtype=np.float32)
    same = Sameness(np.arange(12), tag, {"en": nothing, "zh": tag, "other": nothing})
    given.pairs.said["zh"][:] = word
    tagged = replace(given, pairs=replace(given.pairs, same=same))
    first, others = (_Asked.of(tagged, np.arange(12)[part]) for part in (slice(6), slice(6, 12)))
    wrong = -given.pairs.target

    ranks = first.ranks(wrong[:6])
    assert ranks[1].tolist() == [1] * 6
    assert min(ranks[0]) < 1
    among = first.ranks_among(wrong[:6], others, np.tile(word[:1], (6, 1)))
    assert among[1].tolist() == [1] * 6
