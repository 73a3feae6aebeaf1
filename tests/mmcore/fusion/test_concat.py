import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec

CONCAT = fusion_of(FusionSpec(name="concat"))
BOTH = np.array([[True, True, False, False]])


def two(first, second):
    """One item: a picture and a text."""
    nothing = np.zeros(len(first))
    return np.array([[first, second, nothing, nothing]], dtype=np.float32)


def test_modalities_stand_side_by_side():
    """(1, 0) and (0, 1): (1, 0, 0, 1, 0, 0, 0, 0) / sqrt(2); each weighs a half."""
    fused, weights = CONCAT.fuse(two([1, 0], [0, 1]), BOTH)

    assert fused[0] == pytest.approx([0.5**0.5, 0, 0, 0.5**0.5, 0, 0, 0, 0])
    assert weights[0].tolist() == [0.5, 0.5, 0, 0]


def test_a_query_is_asked_in_every_block():
    """(1, 0) scores 1 / (2 · sqrt(2)) on it, since one of its two vectors is equal to it."""
    fused, _ = CONCAT.fuse(two([1, 0], [0, 1]), BOTH)
    asked = CONCAT.ask(np.array([[1, 0]], dtype=np.float32))

    assert (asked @ fused.T)[0, 0] == pytest.approx(1 / 8**0.5)


def test_it_has_a_space_of_its_own():
    """Four times as long, and named after the one it is made of."""
    assert (CONCAT.space_of("e5/p1"), CONCAT.dim_of(384)) == ("e5/p1/concat", 1536)


def test_it_takes_no_weights():
    """ConfigError before any work."""
    with pytest.raises(ConfigError, match="weighted"):
        fusion_of(FusionSpec(name="concat", weights={"image": 2}))
