"""What every declared fusion promises, by ``fusions.names()``."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.fusion.base import fusions
from mmcore.fusion.learned import LEARNED
from mmcore.types import check_unit_rows, unit_rows
from storage.schemas import MODALITIES
from tests.fusions import made

NAMES = fusions.names()
SUBSETS = np.array([s for s in product([False, True], repeat=len(MODALITIES)) if any(s)])


def some(n, dim=6, seed=0):
    """(n, 4, dim) unit vectors."""
    rng = np.random.default_rng(seed)
    return unit_rows(rng.standard_normal((n * len(MODALITIES), dim))).reshape(n, -1, dim)


@pytest.mark.parametrize("name", NAMES)
def test_every_subset_of_modalities_has_a_unit_vector(name):
    """All 15 non-empty masks give a unit vector, and weights that sum to 1 over what is there."""
    fusion = made(name)
    fused, weights = fusion.fuse(some(len(SUBSETS)), SUBSETS)

    check_unit_rows(np.arange(len(SUBSETS)), fused)
    assert fused.shape == (len(SUBSETS), fusion.dim_of(6))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert not weights[~SUBSETS].any()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_mask_hides_is_ignored(name):
    """Hidden vectors may hold anything, NaN too, and change nothing."""
    vectors = some(len(SUBSETS))
    spoiled = np.where(SUBSETS[:, :, None], vectors, np.float32(np.nan))
    fusion = made(name)

    for one, other in zip(
        fusion.fuse(vectors, SUBSETS), fusion.fuse(spoiled, SUBSETS), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_one_modality_alone_keeps_its_vector(name):
    """Fusing a single vector gives that vector; in a space of blocks, in its own block."""
    vectors, has, fusion = some(4), np.eye(4, dtype=bool), made(name)
    fused, weights = fusion.fuse(vectors, has)
    alone = vectors[np.arange(4), np.arange(4)]

    if fusion.dim_of(6) == 6:
        np.testing.assert_allclose(fused, alone, atol=1e-5)
    else:
        expected = np.where(has[:, :, None], vectors, 0).reshape(4, -1)
        np.testing.assert_allclose(fused, expected, atol=1e-5)
    np.testing.assert_allclose(weights, has, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_queries_of_the_shared_space_are_asked_in_the_fused_one(name):
    """They are unit vectors there; where it is the same space, they are as they were."""
    fusion, queries = made(name), some(3)[:, 0]
    asked = fusion.ask(queries)

    check_unit_rows(np.arange(3), asked)
    assert asked.shape == (3, fusion.dim_of(6))
    if fusion.space_of("s") == "s":
        np.testing.assert_array_equal(asked, queries)
    else:
        assert fusion.space_of("s").startswith("s/")


@pytest.mark.parametrize("name", NAMES)
def test_an_item_is_found_by_what_it_is_made_of(name):
    """An item of one modality is nearer to its own vector than any other such item is."""
    fusion, vectors = made(name, 32), some(8, dim=32)[:, 1]
    stacked = np.zeros((8, 4, 32), dtype=np.float32)
    stacked[:, 1] = vectors
    fused, _ = fusion.fuse(stacked, np.tile([False, True, False, False], (8, 1)))

    assert (fusion.ask(vectors) @ fused.T).argmax(axis=1).tolist() == list(range(8))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6))
def test_an_item_is_fused_alike_in_any_batch(name, seed, n):
    """Items do not touch each other, and their order does not matter."""
    rng = np.random.default_rng(seed)
    vectors, has = some(n, seed=seed), SUBSETS[rng.integers(len(SUBSETS), size=n)]
    fusion = made(name)
    together, _ = fusion.fuse(vectors, has)

    alone = [fusion.fuse(vectors[i : i + 1], has[i : i + 1])[0][0] for i in range(n)]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    order = rng.permutation(n)
    again, _ = fusion.fuse(vectors[order], has[order])
    np.testing.assert_allclose(again, together[order], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_opposite_vectors_lose_no_item(name, spread):
    """Vectors that cancel out give the first modality's, unless something is added to them."""
    vectors = some(1)
    vectors[0, 1] = -vectors[0, 0]
    fusion = made(name, spread=spread)
    fused, _ = fusion.fuse(vectors, np.array([[True, True, False, False]]))

    check_unit_rows(np.arange(1), fused)
    if fusion.dim_of(6) == 6 and not (name in LEARNED and spread):
        np.testing.assert_allclose(fused[0], vectors[0, 0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_an_item_with_nothing_is_an_error(name):
    """There is no vector of nothing, and shapes have to fit."""
    fusion = made(name)

    with pytest.raises(ValueError, match="nothing to fuse"):
        fusion.fuse(some(1), np.zeros((1, 4), dtype=bool))
    with pytest.raises(ValueError, match="not \\(n, 4, d\\)"):
        fusion.fuse(some(2), np.ones((1, 4), dtype=bool))


@pytest.mark.parametrize("name", NAMES)
def test_no_item_gives_no_row(name):
    """An empty batch stays empty."""
    fusion = made(name)
    fused, weights = fusion.fuse(np.zeros((0, 4, 6), np.float32), np.zeros((0, 4), dtype=bool))

    assert (fused.shape, weights.shape) == ((0, fusion.dim_of(6)), (0, 4))


@pytest.mark.parametrize("name", NAMES)
def test_the_fusion_names_itself(name):
    """Its name is the registry's; its fingerprint is the same each time."""
    fusion = made(name)

    assert fusion.name == name
    assert fusion.fingerprint == made(name).fingerprint
