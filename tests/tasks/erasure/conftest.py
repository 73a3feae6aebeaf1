"""A lake with a history."""

import pytest

from tests.forgetting import indexer, make_history


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` as a plain call."""
    return indexer(monkeypatch)


@pytest.fixture
def lake(tmp_path, index):
    """Three snapshots that have the cat."""
    return make_history(tmp_path / "media", tmp_path / "lake", index)
