import os
import time

import pytest
from pydantic import ValidationError

from flows.config.maintain import MaintainConfig
from storage.erasure.orders import Order, write_order
from storage.errors import LakeLockedError, NoLakeError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import published
from tests.factories import small_lake

pytestmark = pytest.mark.usefixtures("prefect_server")

FOUR_DAYS = 4 * 24 * 3600


def run(lake, **settings):
    """Run the flow as a plain call."""
    from flows.maintain import maintain

    return maintain(MaintainConfig(lake=str(lake), **settings))


def let_time_pass(root, seconds=FOUR_DAYS):
    """Make every file older."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - seconds,) * 2)


def listing(root):
    """Every file of a lake; the lock apart, which a run holds."""
    return {p for p in root.rglob("*") if p.is_file() and not p.name.startswith("LOCK")}


@pytest.fixture
def lake(tmp_path):
    """Three snapshots, four days old."""
    root = tmp_path / "湖"
    for keys in (["cat"], ["cat", "狗"], ["狗"]):
        small_lake(root, keys)
    let_time_pass(root)
    return root


@pytest.mark.parametrize("compact", [True, False])
def test_a_dry_run_says_that_an_erasure_waits(lake, compact):
    """A run ends it first; until then nothing is compacted."""
    write_order(Layout(lake), Order(items=frozenset({1})))

    result = run(lake, dry_run=True, compact=compact)

    assert "an erasure was interrupted, and must be ended" in result.compacted.left_out


def test_a_dry_run_says_what_a_run_removes(lake):
    """The same counts and bytes, and nothing is written: not even the lock."""
    before = set(lake.rglob("*"))

    planned = run(lake, keep=1, dry_run=True)
    after = set(lake.rglob("*"))
    sizes = {path: path.stat().st_size for path in listing(lake)}
    removed = run(lake, keep=1)

    assert after == before
    assert (planned.status, removed.status) == ("planned", "removed")
    assert (planned.files, planned.bytes) == (removed.files, removed.bytes)
    assert (removed.snapshot, removed.kept, removed.gone) == (3, (3,), (1, 2))
    gone = sizes.keys() - listing(lake)
    assert sum(removed.files.values()) == len(gone)
    assert sum(removed.bytes.values()) == sum(sizes[path] for path in gone)


def test_a_second_run_has_nothing_to_do(lake):
    """What is maintained is left as it is."""
    run(lake, keep=2)
    before = listing(lake)

    again = run(lake, keep=2)

    assert (again.status, again.files, again.gone) == ("unchanged", {}, ())
    assert listing(lake) == before


def test_one_writer_a_lake(lake):
    """While another run holds the lake, nothing is removed; a dry run may look."""
    with writer_lock(Layout(lake)):
        with pytest.raises(LakeLockedError):
            run(lake, keep=1)
        assert run(lake, keep=1, dry_run=True).gone == (1, 2)
    assert published(Layout(lake)) == [1, 2, 3]


@pytest.mark.parametrize("settings", [{}, {"dry_run": True}])
def test_a_folder_without_a_snapshot_is_no_lake(tmp_path, settings):
    """It is not made, or written into."""
    with pytest.raises(NoLakeError):
        run(tmp_path / "none", **settings)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"grace_days": -1}, {"grace_days": 1e9}])
def test_settings_that_cannot_be_are_refused(wrong):
    """Before anything is looked at."""
    with pytest.raises(ValidationError):
        MaintainConfig(lake="lake", **wrong)
