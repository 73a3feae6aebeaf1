"""A lake to search, and `mmindex search` as a call."""

import json

import pytest

from tests.commands import command_line
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake of eight colours and its folder of media, with its preset installed."""
    root = tmp_path_factory.mktemp("lake")
    made = make_lake(root, coloured_items(), towers())
    manifest = made.layout.snapshot(1) / "manifest.json"
    told = json.loads(manifest.read_text()) | {"sources": {"media": str(root / "media")}}
    manifest.write_text(json.dumps(told))
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield root / "lake"


@pytest.fixture
def run(monkeypatch, capsys, lake):
    """Run `mmindex search … --lake LAKE`."""
    monkeypatch.setenv("LC_ALL", "C")
    run = command_line(monkeypatch, capsys, "search")

    def answer(*arguments):
        return run(*arguments, "--lake", lake)

    return answer
