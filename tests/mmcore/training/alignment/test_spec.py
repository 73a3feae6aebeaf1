from __future__ import annotations

import pytest
from pydantic import ValidationError

from mmcore.training.alignment.spec import AlignSpec

BAD = [
    {"cca": {"shares": []}},
    {"cca": {"dims": []}},
    {"cca": {"ridges": []}},
    *({"cca": {"shares": [s]}} for s in (float("nan"), float("inf"), -0.1, 0, 2.0)),
    *({"cca": {"ridges": [r]}} for r in (float("nan"), float("inf"))),
    {"network": {"shares": []}},
    *({"network": {"shares": [s]}} for s in (float("nan"), float("inf"), 50)),
    *({"network": {"learning_rate": r}} for r in (0, 1.1, float("inf"))),
    *({"network": {"weight_decay": d}} for d in (-1, 1.1, float("nan"))),
    {"network": {"temperature": float("inf")}},
    {"network": {"mixup": float("inf")}},
    {"folds": 500},
    {"gain": float("inf")},
]


@pytest.mark.parametrize("settings", BAD)
def test_what_nothing_can_be_trained_by_is_refused(settings):
    """An empty list to choose from, and numbers out of bounds or that are none."""
    with pytest.raises(ValidationError):
        AlignSpec(**settings)


def test_bounds_themselves_are_fine():
    """The whole of a share, and twenty folds."""
    assert AlignSpec(folds=20, cca={"shares": [1]}, network={"learning_rate": 1}).folds == 20
