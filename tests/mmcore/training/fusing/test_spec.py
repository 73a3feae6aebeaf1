"""Tests of mmcore/training/fusing/spec.py."""

import pytest
from pydantic import ValidationError

from mmcore.training.fusing.spec import FusionFitSpec


@pytest.mark.parametrize("settings", [{"heads": 3}, {"width": 30}, {"width": 12, "heads": 5}])
def test_heads_divide_the_width(settings):
    """Also where only one of both is told; it is said before any work."""
    with pytest.raises(ValidationError, match="do not divide the width"):
        FusionFitSpec(**settings)


def test_any_number_that_divides_it_is_taken():
    """One head does always."""
    assert FusionFitSpec(width=30, heads=5).heads == 5
    assert FusionFitSpec(width=7, heads=1).width == 7


def test_a_wrong_width_is_told_as_such():
    """The heads are not blamed for it."""
    with pytest.raises(ValidationError) as caught:
        FusionFitSpec(width=0)
    assert [error["loc"] for error in caught.value.errors()] == [("width",)]
