"""Toy worlds, and three towers trained on them."""

from __future__ import annotations

import pytest
import torch

from tests.made import toys


@pytest.fixture(scope="module")
def one_thread():
    """So small a network loses by a second one, and all by many tests at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """As many as it takes to see a training at work."""
    return toys.folder(tmp_path_factory.mktemp("toys") / "media", each=1)
