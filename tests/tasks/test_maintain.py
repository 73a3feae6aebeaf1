from datetime import timedelta

import pytest

from storage.layout import Layout
from storage.maintenance.garbage import Collected, Retention
from storage.published import current, published
from tasks.maintain import collect_garbage, survey_lake
from tests.factories import WHEN, small_lake


@pytest.fixture
def lake(tmp_path):
    """A lake with two snapshots."""
    small_lake(tmp_path, ["cat"])
    small_lake(tmp_path, ["狗", "owl"])
    return Layout(tmp_path)


def test_a_survey_changes_nothing(lake):
    """What it says goes is still there."""
    found = survey_lake.fn(lake, Retention(keep=1), WHEN)

    assert (found.current, found.kept, found.gone) == (2, (2,), (1,))
    assert all((lake.root / garbage.path).exists() for garbage in found.garbage)


def test_a_retry_goes_on_where_the_last_try_ended(lake, monkeypatch):
    """What a failed try left is removed by the next, which counts only that."""
    found = survey_lake.fn(lake, Retention(keep=1, grace=timedelta(0)), WHEN)
    assert len(found.garbage) == 2  # the manifest and the views; all else is younger than WHEN
    with monkeypatch.context() as patch:
        patch.setattr("storage.maintenance.garbage.sync", failing)
        with pytest.raises(OSError, match="busy"):
            collect_garbage.fn(lake, found)

    collected = collect_garbage.fn(lake, found)

    assert collected == Collected({"snapshots": 1}, {"snapshots": found.garbage[1].bytes})
    assert (current(lake), published(lake)) == (2, [2])


def failing(*_):
    """Fail as a file system does that is busy."""
    raise OSError(16, "busy")
