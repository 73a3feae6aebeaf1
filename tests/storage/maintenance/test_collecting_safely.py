"""A collection that is killed, pointed elsewhere or misled harms nothing."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from storage.errors import CandidateOutdatedError, CorruptLakeError, NoLakeError
from storage.layout import Layout
from storage.maintenance.garbage import Collected, Retention, collect, survey
from storage.publication import roll_back
from storage.published import current, published
from storage.snapshot import Snapshot
from tests.factories import WHEN
from tests.soundness import sound
from tests.storage.maintenance.collecting import ONE, clean, listing


def test_an_index_whose_card_is_there_is_whole(lake):
    """The card goes first: a run that finds it takes the index for built."""
    paths = [g.path for g in survey(lake, ONE, WHEN).garbage if g.kind == "indexes"]

    half = len(paths) // 2
    assert half
    assert {Path(path).name for path in paths[:half]} == {"index.json"}
    assert {Path(path).name for path in paths[half:]} == {"index.faiss"}


def test_a_crash_between_any_two_removals_loses_nothing(lake, tmp_path, monkeypatch):
    """Whichever removal fails, all kept snapshots are whole, and the next pass ends the work."""
    unlink, keep_two = Path.unlink, Retention(keep=2)
    count = len(survey(lake, keep_two, WHEN).garbage)
    whole = Layout(shutil.copytree(lake.root, tmp_path / "whole"))
    clean(whole, keep_two)
    assert count > 20

    for fails_at in range(0, count, 2):
        layout = Layout(shutil.copytree(lake.root, tmp_path / str(fails_at)))
        left = iter(range(fails_at))

        def failing(path, missing_ok=False, left=left):
            if next(left, None) is None:
                raise OSError(5, "crash")
            unlink(path, missing_ok=missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", failing)
            with pytest.raises(OSError, match="crash"):
                clean(layout, keep_two)

        for number in published(layout):
            Snapshot.open(layout, number)
        assert {3, 4} <= set(published(layout))
        sound(Snapshot.open(layout))
        clean(layout, keep_two)
        assert listing(layout.root) == listing(whole.root)


def test_files_that_are_gone_already_are_no_error(lake):
    """A retry counts what it removed itself."""
    found = survey(lake, ONE, WHEN)
    collect(lake, found)

    assert collect(lake, found) == Collected({}, {})


def test_nothing_outside_the_lake_is_touched(lake, tmp_path):
    """Links are not followed, be they files, folders or a whole part of the lake."""
    outside = tmp_path / "outside"
    for folder in ("", "3", "run", "text"):
        (outside / folder).mkdir(parents=True, exist_ok=True)
        (outside / folder / "part-a.parquet").write_text("mine")
        (outside / folder / "manifest.json").write_text("mine")
    links = {
        lake.rows("files") / "linked": outside,
        lake.rows("files") / "part-linked.parquet": outside / "part-a.parquet",
        lake.snapshots / "linked": outside,
        lake.staging: outside,
        lake.root / "quarantine": outside,
    }
    for link, target in links.items():
        link.symlink_to(target)
    (lake.root / "thumbnails").mkdir()
    (lake.root / "thumbnails" / "part-a.parquet").write_text("not ours yet")
    for path in outside.rglob("*"):
        os.utime(path, (0, 0))
    before = listing(outside)

    clean(lake, Retention(keep=1, grace=timedelta(0)))

    assert listing(outside) == before
    assert all(link.is_symlink() for link in links)
    assert (lake.root / "thumbnails" / "part-a.parquet").exists()


def test_a_damaged_lake_is_left_alone(lake):
    """When what serves is not whole, what is left may be needed."""
    serving = Snapshot.open(lake).manifest
    (lake.root / serving.files[0].path).unlink()
    before = listing(lake.root)

    with pytest.raises(CorruptLakeError, match="is missing"):
        clean(lake)
    assert listing(lake.root) == before


def test_a_survey_of_another_time_is_refused(lake):
    """Nothing is removed when the pointer moved since."""
    found = survey(lake, ONE, WHEN)
    roll_back(lake, 3)

    with pytest.raises(CandidateOutdatedError):
        collect(lake, found)
    assert (current(lake), published(lake)) == (3, [1, 2, 3, 4])


def test_a_folder_that_is_no_lake_is_refused(tmp_path):
    """Other projects have folders that are called models or reports too."""
    with pytest.raises(NoLakeError):
        survey(Layout(tmp_path), ONE, WHEN)


def test_a_retention_keeps_at_least_what_serves():
    """No snapshot at all, or a grace before its beginning, cannot be asked for."""
    for wrong in ({"keep": 0}, {"grace": timedelta(days=-1)}):
        with pytest.raises(ValueError, match="cannot keep"):
            Retention(**wrong)
