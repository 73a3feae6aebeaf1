"""What a run made and did not publish outlives `mmindex maintain`; no server, no weights."""

import os
import time

import pytest
from PIL import Image

from flows.config.maintain import MaintainConfig
from mmcore.errors import ConfigError, GateFailedError
from storage.layout import Layout
from storage.manifest import read_manifest
from storage.published import current
from storage.snapshot import Snapshot
from tests import crashes, media
from tests.soundness import sound

FOUR_DAYS = 4 * 24 * 3600


@pytest.fixture
def maintain(monkeypatch):
    """The flow maintain as a plain function."""
    from flows import maintain as module

    crashes.plain_tasks(monkeypatch)
    return lambda lake, **told: module.maintain.fn(MaintainConfig(lake=str(lake), **told))


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


def let_time_pass(root):
    """Make every file four days older."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - FOUR_DAYS,) * 2)


def test_finished_work_of_a_blocked_run_is_not_done_again(tmp_path, monkeypatch, index, maintain):
    """Four days later its candidate is whole, and the next run embeds nothing."""
    folder, lake = tmp_path / "media", Layout(tmp_path / "lake")
    media.png(folder / "red.png", Image.new("RGB", (40, 30), "red"))
    index(folder, lake.root)
    media.png(folder / "blue.png", Image.new("RGB", (40, 30), "blue"))
    with monkeypatch.context() as patch:
        patch.setattr("tasks.measuring.outcomes", blocked)
        with pytest.raises(GateFailedError):
            index(folder, lake.root)
    let_time_pass(lake.root)
    (left,) = lake.root.glob("candidates/*/manifest.json")

    kept = maintain(lake.root, keep=1)
    sound(Snapshot.of(lake, read_manifest(left)))
    left.unlink()  # a run that was killed before it proposed one leaves its parts only
    maintain(lake.root, keep=1)
    result = index(folder, lake.root)

    assert kept.candidates == (left.parent.name,)
    assert result.status == "published"
    assert result.kept["hash-image"] == 2
    assert set(result.new.values()) == {0}
    assert current(lake) == 3  # the blocked one had its own number


def blocked(*_):
    """Fail as an evaluation does."""
    raise ConfigError("no scores today")
