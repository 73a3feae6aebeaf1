from __future__ import annotations

import numpy as np
import pytest

from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec

BOTH = np.array([[True, True, False, False]])


def two(first, second):
    """One item: a picture and a text."""
    nothing = np.zeros(len(first))
    return np.array([[first, second, nothing, nothing]], dtype=np.float32)


def test_mean_lies_half_way():
    """The mean of two axes is the diagonal: (1, 1) / sqrt(2); each weighs a half."""
    fused, weights = fusion_of(FusionSpec()).fuse(two([1, 0], [0, 1]), BOTH)

    assert fused[0] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert weights[0].tolist() == [0.5, 0.5, 0, 0]


def test_weights_count_where_their_modality_is_there():
    """Weights 3 (image) and 1 (text): (3, 1) / sqrt(10), shares .75 and .25."""
    fused, weights = fusion_of(FusionSpec(name="weighted", weights={"image": 3})).fuse(
        two([1, 0], [0, 1]), BOTH
    )

    assert fused[0] == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    assert weights[0].tolist() == [0.75, 0.25, 0, 0]


def test_the_sum_has_the_direction_of_the_mean():
    """Scaled to length 1 they are equal, under two names and fingerprints."""
    rows = two([0.6, 0.8], [1, 0])
    mean, total = (fusion_of(FusionSpec(name=name)) for name in ("mean", "sum"))

    np.testing.assert_allclose(total.fuse(rows, BOTH)[0], mean.fuse(rows, BOTH)[0])
    assert total.fingerprint != mean.fingerprint


def test_without_a_choice_it_is_the_mean():
    """``auto`` where nothing was promoted."""
    assert fusion_of(FusionSpec()).name == "mean"


def test_a_weight_of_zero_loses_no_item():
    """Where only modalities of weight 0 are there, they count alike."""
    fusion = fusion_of(FusionSpec(name="weighted", weights={"image": 0}))
    fused, weights = fusion.fuse(two([0, 1], [1, 0]), np.array([[True, False, False, False]]))

    assert fused[0].tolist() == [0, 1]
    assert weights[0].tolist() == [1, 0, 0, 0]


def test_product_keeps_what_the_modalities_agree_on():
    """(.8, -.6, 0) and (.6, -.8, 0): sqrt(.48) with both signs kept; then length 1."""
    fused, _ = fusion_of(FusionSpec(name="product")).fuse(
        two([0.8, -0.6, 0.0], [0.6, -0.8, 0.0]), BOTH
    )

    assert fused[0] == pytest.approx([0.5**0.5, -(0.5**0.5), 0], abs=1e-6)


def test_product_drops_what_they_disagree_on():
    """(.6, .8) and (-.6, .8) share the second coordinate only."""
    fused, _ = fusion_of(FusionSpec(name="product")).fuse(two([0.6, 0.8], [-0.6, 0.8]), BOTH)

    assert fused[0] == pytest.approx([0, 1])


def test_fingerprints_tell_fusions_and_weights_apart():
    """Each name and set of weights has a fingerprint; the order of weights does not matter."""
    specs = [
        FusionSpec(),
        FusionSpec(name="product"),
        FusionSpec(name="weighted"),
        FusionSpec(name="weighted", weights={"image": 2}),
    ]
    assert len({fusion_of(spec).fingerprint for spec in specs}) == 4

    one, other = (
        FusionSpec(name="weighted", weights=w)
        for w in ({"image": 2, "text": 3}, {"text": 3, "image": 2})
    )
    assert fusion_of(one).fingerprint == fusion_of(other).fingerprint


@pytest.mark.parametrize(
    "spec",
    [
        FusionSpec(weights={"image": 1}),
        FusionSpec(name="product", weights={"image": 1}),
        FusionSpec(name="weighted", weights={"image": -1}),
        FusionSpec(name="weighted", weights={"image": float("nan")}),
        FusionSpec(name="weighted", weights={"picture": 1}),
    ],
)
def test_weights_that_cannot_be_are_refused_before_work(spec):
    """Weights for a fusion that takes none, negative ones, unknown modalities: ConfigError."""
    with pytest.raises(ConfigError):
        fusion_of(spec)


def test_an_unknown_fusion_lists_the_known():
    """The error carries the names that there are."""
    with pytest.raises(UnknownPluginError) as caught:
        fusion_of(FusionSpec(name="blend"))
    assert "mean" in caught.value.known


@pytest.mark.parametrize("size", [1e-320, 1e-40, 1e40, 1e300, 1.7e308])
def test_weights_of_any_size_are_shares(size):
    """Only what they are to each other counts: no sum overflows, none vanishes."""
    spec = FusionSpec(name="weighted", weights={"image": size, "text": size})
    fused, weights = fusion_of(spec).fuse(two([1, 0], [0, 1]), BOTH)

    assert fused[0] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert weights[0].tolist() == [0.5, 0.5, 0, 0]
