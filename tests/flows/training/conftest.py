"""Lakes to be trained on: rows of eight words and their pictures and sounds."""

import shutil

import pytest

from tests import learning
from tests.learning import LEARNED, train


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder and its lake of one snapshot."""
    return learning.make(tmp_path_factory.mktemp("learning"))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A lake that p2 and f1 serve, after p1 and the mean."""
    made = learning.make(tmp_path_factory.mktemp("damaged"))
    with pytest.MonkeyPatch.context() as patch:
        learning.indexer(patch)
        lake = learning.copied(made, made / "taught")
        assert train(lake, **LEARNED, force=True).status == "promoted"
    return made


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` over encoders that know eight words, as a plain function."""
    return learning.indexer(monkeypatch)


@pytest.fixture
def lake(made, tmp_path, index):
    """A lake to be trained on, whose media are elsewhere."""
    return learning.copied(made, tmp_path / "lake")


@pytest.fixture
def taught_lake(taught, tmp_path, index):
    """A copy of the lake that p2 and f1 serve, to be damaged."""
    made = tmp_path / "lake"
    shutil.copytree(taught / "taught", made)
    return made
