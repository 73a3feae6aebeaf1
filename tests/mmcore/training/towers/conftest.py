"""Toy worlds, and three towers trained on them."""

from __future__ import annotations

import pytest

from tests.made import toys
from tests.threads import one_thread


@pytest.fixture(scope="module", name="one_thread")
def _one_thread():
    """Threads would only wait for each other."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """As many as it takes to see a training at work."""
    return toys.folder(tmp_path_factory.mktemp("toys") / "media", each=1)
