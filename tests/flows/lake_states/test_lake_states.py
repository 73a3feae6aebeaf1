"""Whatever happens to a folder and its lake, the lake equals one built from scratch."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests import crashes
from tests.flows.lake_states.machine import Lake


@pytest.fixture(autouse=True)
def quiet():
    """Hundreds of runs."""
    with crashes.quick():
        yield


@pytest.mark.timeout(600)
class TestLake(Lake.TestCase):
    """A few sequences, in the usual suite."""

    settings = settings(max_examples=6, stateful_step_count=15)


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestLakeAtLength(Lake.TestCase):
    """Many and longer ones."""

    settings = settings(max_examples=200, stateful_step_count=30)
