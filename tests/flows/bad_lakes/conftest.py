"""A lake that was made once, and commands over copies of it."""

import pytest

from tests import crashes
from tests.commands import plain_commands


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder and its lake of two snapshots, whose paths are long and not ASCII."""
    folder = tmp_path_factory.mktemp("made") / f"一个名字{'很' * 70}长的 «folder»" / "媒体"
    lake = folder.parent / ("湖" * 80)
    with pytest.MonkeyPatch.context() as patch:
        index = crashes.plain_index(patch)
        crashes.make_folder(folder)
        index(folder, lake)
        crashes.change_folder(folder)
        assert index(folder, lake).snapshot == 2
    return folder, lake


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function."""
    return crashes.plain_index(monkeypatch)
