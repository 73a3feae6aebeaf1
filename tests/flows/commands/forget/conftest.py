"""A folder of two pictures, its lake, and `mmindex forget` as a call."""

import sys

import pytest

from flows import cli
from tests.forgetting import indexer, make_history


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` as a plain call."""
    return indexer(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """The root `media`."""
    return tmp_path / "media"


@pytest.fixture
def lake(tmp_path, folder, index):
    """Three snapshots; `cat` is to be forgotten, and has its English caption with `twin`."""
    return make_history(folder, tmp_path / "lake", index)


@pytest.fixture
def forget(monkeypatch, capsys, lake):
    """Run `mmindex forget …`: exit code and what it printed."""

    def forget(*arguments):
        told = ["mmindex", "forget", *map(str, arguments), "--lake", str(lake.root)]
        monkeypatch.setattr(sys, "argv", told)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code, *capsys.readouterr())

    return forget
