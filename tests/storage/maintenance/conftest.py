"""A lake of four snapshots."""

import shutil

import pytest

from storage.layout import Layout
from tests.storage.maintenance.collecting import make_lake


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lake with four snapshots."""
    return make_lake(tmp_path_factory.mktemp("made"))


@pytest.fixture
def lake(made, tmp_path):
    """The same, free to be changed."""
    return Layout(shutil.copytree(made.root, tmp_path / "湖"))
