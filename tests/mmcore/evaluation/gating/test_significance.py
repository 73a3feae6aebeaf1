"""Sign flips by group, and one correction for all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test

from mmcore.evaluation.gating.significance import flipped, interval


def flips_of(differences, groups=None, **options):
    """The test of columns, a group a query unless told."""
    columns = np.atleast_2d(np.asarray(differences, dtype=np.float64).T).T
    ids = np.arange(len(columns)) if groups is None else np.asarray(groups)
    return flipped(columns, ids, **{"flips": 5000, "seed": 0, **options})


def test_the_exact_test_is_that_of_scipy():
    """With twelve groups all 4,096 ways are taken; the statistic is the sum of each group."""
    random = np.random.default_rng(4)
    for _ in range(5):
        differences = random.choice([-1.0, 0.0, 0.5, 1.0], size=12) + 0.2
        expected = permutation_test(
            (differences,),
            lambda of, axis: of.sum(axis=axis),
            permutation_type="samples",
            alternative="greater",
            n_resamples=np.inf,
            vectorized=True,
        )

        assert flips_of(differences).p[0] == pytest.approx(expected.pvalue, abs=1e-12)


def test_random_flips_come_near_the_exact_value():
    """With 5,000 flips of fourteen groups, within four standard errors."""
    differences = np.array([1, 1, 0.5, -0.3, 0.8, -1, 1, 0.2, 0.4, -0.2, 0.9, 1, -0.6, 0.3])
    exact = flips_of(differences, flips=2**14).p[0]

    found = flips_of(differences).p[0]

    assert found != exact
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 5000) ** 0.5 + 1e-3)


def test_groups_are_flipped_whole():
    """Two queries that always agree are one observation, whose sum is twice as large."""
    differences = np.array([1, 0.5, 1, -1, 1, 0.25, 1, 1])
    twice, groups = np.repeat(differences, 2), np.repeat(np.arange(8), 2)

    assert flips_of(twice, groups).p[0] == flips_of(differences).p[0]
    assert flips_of(twice).p[0] < flips_of(differences).p[0]


def test_what_did_not_change_is_no_loss():
    """All differences 0: p is 1, also beside columns that fell."""
    nothing = flips_of(np.zeros((50, 3)))
    beside = flips_of(np.stack([np.zeros(50), np.ones(50)], axis=1))

    assert (nothing.p == 1).all()
    assert (nothing.adjusted == 1).all()
    assert (beside.p[0], beside.adjusted[0]) == (1, 1)
    assert beside.adjusted[1] == pytest.approx(1 / 5001)


def test_a_gain_is_no_loss():
    """One-sided: what rises everywhere has p 1."""
    assert flips_of(-np.ones(100)).p[0] == 1


def test_what_was_not_asked_counts_nothing():
    """NaN is left out, not a difference of 0 that widens: p is that of the queries alone."""
    told = np.array([1, 1, 0.5, -0.3, 0.8, 1, 1, 0.2])
    padded = np.concatenate([told, np.full(4, np.nan)])

    assert flips_of(padded).p[0] == flips_of(told).p[0]


def test_blocks_and_runs_do_not_matter():
    """The same seed, whatever is held at once: the same values; another seed, others."""
    differences = np.random.default_rng(0).normal(0.1, 1, size=(300, 5))
    one = flips_of(differences)

    for rows in (1, 7, 5000):
        again = flips_of(differences, rows_at_once=rows)
        assert (again.p == one.p).all()
        assert (again.adjusted == one.adjusted).all()
    assert (flips_of(differences, seed=1).p != one.p).any()


@given(
    differences=arrays(
        np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.floats(-1, 1)
    ),
    data=st.data(),
)
def test_p_values_are_values_of_a_test(differences, data):
    """Between 0 and 1, the corrected one never smaller; equal columns cost nothing."""
    count = len(differences)
    groups = np.array(data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))
    found = flips_of(differences, groups, flips=200)
    twice = flips_of(np.concatenate([differences, differences], axis=1), groups, flips=200)

    assert (found.p > 0).all()
    assert (found.adjusted <= 1).all()
    assert (found.adjusted >= found.p).all()
    assert (twice.adjusted == np.tile(found.adjusted, 2)).all()


def test_false_alarms_are_as_rare_as_told():
    """Of 200 families of twelve rows without any loss at most 9 have a row below .02."""
    random = np.random.default_rng(7)
    alarms = 0
    for seed in range(200):
        differences = random.choice([-1.0, 0.0, 1.0], p=[0.05, 0.9, 0.05], size=(200, 12))
        found = flips_of(differences, np.repeat(np.arange(100), 2), flips=400, seed=seed)
        alarms += bool((found.adjusted < 0.02).any())

    assert alarms <= 9  # binomial(200, .02): more in less than 2 % of such tests


def test_the_interval_is_of_what_was_asked():
    """Queries of other directions are none of the mean: half of 40 asked, each lost 1."""
    told = np.concatenate([np.ones(20), np.full(20, np.nan)])

    assert interval(told, np.arange(40), seed=0) == (1.0, 1.0)


@pytest.mark.slow
def test_the_interval_holds_the_mean():
    """Of 40 samples the true mean lies in at least 34 intervals; groups make them wider."""
    random = np.random.default_rng(3)
    inside, wider = 0, 0
    for seed in range(40):
        differences = random.normal(0.1, 1, size=100)
        low, high = interval(differences, np.arange(100), seed=seed)
        inside += low <= 0.1 <= high
        twice = interval(np.repeat(differences, 2), np.repeat(np.arange(100), 2), seed=seed)
        alone = interval(np.repeat(differences, 2), np.arange(200), seed=seed)
        wider += twice[1] - twice[0] > alone[1] - alone[0]

    assert inside >= 34  # binomial(40, .95): fewer in less than 2 % of such tests
    assert wider == 40
