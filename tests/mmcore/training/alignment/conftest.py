"""A space trained by all methods."""

from __future__ import annotations

import pytest

from tests.mmcore.training.alignment.trained import train
from tests.mmcore.training.alignment.worlds import SPEC


@pytest.fixture(scope="module")
def trained():
    """By all methods, with a few sounds that are too few to be learned from."""
    return train(SPEC.model_copy(update={"hubness": "auto"}), sounds=10)
