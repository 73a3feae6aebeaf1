"""A lake that is followed."""

import pytest

from mmcore.search.following import Following
from tests.mmcore.search.following.served import opener, published


@pytest.fixture
def root(tmp_path):
    """A folder with one snapshot in its lake."""
    published(tmp_path, 1)
    return tmp_path


@pytest.fixture
def following(root):
    """What follows that lake, and looks when it is told to only."""
    with Following.open(root / "lake", opener=opener, every=1e9) as made:
        yield made
