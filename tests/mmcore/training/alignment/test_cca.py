from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.features import Group, Reading, directions
from mmcore.encoders.heads import JointHead
from mmcore.training.alignment.cca import canonical, directions_of
from mmcore.training.alignment.world import Side
from mmcore.training.pairs import Captions
from tests.mmcore.training.alignment.worlds import IMAGE, meanings, shown


def planted(n=4000):
    """Two blocks of noise that share one number: column 2 of the one, column 0 of the other."""
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((n, 5)), rng.standard_normal((n, 4))
    other[:, 0] = 0.9 * one[:, 2] + 0.1 * other[:, 0]
    return one - one.mean(axis=0), other - other.mean(axis=0)


def test_the_planted_direction_comes_first():
    """Nearly all of it lies in the two columns that were planted."""
    left, right = directions_of(*planted(), ridge=0.01)

    first = directions(left[:, :1].T)[0], directions(right[:, :1].T)[0]
    assert abs(first[0][2]) > 0.99
    assert abs(first[1][0]) > 0.99


def test_directions_are_weighted_by_their_correlation():
    """The variance of what lies along a pair of directions is its correlation, on both sides."""
    one, other = planted()
    left, right = directions_of(one, other, ridge=1e-6)
    apart = (one @ left).var(axis=0), (other @ right).var(axis=0)
    correlation = np.corrcoef(one[:, 2], other[:, 0])[0, 1]

    assert apart[0][0] == pytest.approx(correlation, abs=0.01)
    assert apart[1][0] == pytest.approx(correlation, abs=0.01)
    assert np.all(apart[0][1:] < 0.1)


def test_a_ridge_takes_from_all_correlations():
    """The more is added to both covariances, the less is left."""
    one, other = planted()
    little, much = (one @ directions_of(one, other, ridge)[0] for ridge in (0.01, 1.0))

    assert much[:, 0].var() < 0.6 * little[:, 0].var()


def side(n):
    """Pictures of ``n`` items whose captions have the numbers that they mean."""
    cells = shown(meanings(n), IMAGE.key.dim, 3, bent=True)
    ids = tuple(f"c{i}" for i in range(n))
    return Side((IMAGE.key,), Reading((Group(0, 24),)), None, ids, np.arange(n), cells)


def test_unseen_captions_find_their_pictures_by_canonical_directions():
    """Fitted on 150 pairs of a bent map, asked about 50 others; there are four directions."""
    said = shown(meanings(200), 16, 1)
    captions = {i: Captions(f"k{i}", {"en": said[i]}) for i in range(200)}
    some = side(200).of(range(150))
    part = canonical(some, some.pairs(captions, 16), JointHead(), 2.0, 4, 0.1)
    placed = part.media["hash-image"].project(side(200).cells[150:])
    asked = part.text.project(said[150:], ["en"] * 50)

    assert placed.shape == asked.shape == (50, 4)
    ranks = ((asked @ placed.T) > np.sum(asked * placed, axis=1)[:, None]).sum(axis=1)
    assert np.mean(ranks < 5) > 0.5
