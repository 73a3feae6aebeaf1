"""The next writer ends or removes what an interrupted publication left."""

import pytest

from storage.candidates import write_candidate
from storage.errors import NoLakeError
from storage.publication import finish, next_number, publish, roll_back
from storage.published import current, published
from storage.snapshot import Snapshot
from tests.factories import candidate, small_lake
from tests.storage.halfway import failing_at, left


def interrupted(layout, keys=("cat",), *, step):
    """A candidate whose publication died at its write number ``step``."""
    numbered = candidate(layout, keys).model_copy(update={"number": next_number(layout)})
    write_candidate(layout, numbered)
    replace, _ = failing_at(step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", replace)
        with pytest.raises(OSError, match="no power"):
            publish(layout, numbered)
    return numbered


def test_the_next_writer_ends_an_interrupted_publication(tmp_path):
    """Until then the snapshot is none, though its manifest is there; then it serves."""
    layout = small_lake(tmp_path).layout
    numbered = interrupted(layout, step=3)
    assert (published(layout), current(layout)) == ([1], 1)
    with pytest.raises(NoLakeError):
        Snapshot.open(layout, 2)

    assert finish(layout) == 2

    assert (published(layout), current(layout)) == ([1, 2], 2)
    assert Snapshot.open(layout).manifest == numbered
    assert left(layout) == (["1", "2"], [])
    assert finish(layout) is None


@pytest.mark.parametrize("step", [1, 2])
def test_what_is_no_snapshot_yet_is_removed(tmp_path, step):
    """A publication that died before its manifest leaves nothing, and its number is free."""
    layout = small_lake(tmp_path).layout
    interrupted(layout, step=step)

    assert finish(layout) is None
    assert (published(layout), left(layout), next_number(layout)) == ([1], (["1"], []), 2)


def test_a_snapshot_whose_parent_serves_no_more_is_removed(tmp_path):
    """An older mmindex ended nothing and rolled back: what was never served cannot be any more."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("owl",)))
    interrupted(layout, step=3)
    layout.current.write_text("1\n")

    assert finish(layout) is None
    assert (published(layout), current(layout), left(layout)) == ([1, 2], 1, (["1", "2"], []))


def test_a_snapshot_that_lost_a_file_is_not_ended(tmp_path, caplog):
    """What is not whole never serves, also where only the pointer was missing."""
    layout = small_lake(tmp_path).layout
    numbered = interrupted(layout, ("new",), step=3)
    (tmp_path / numbered.paths("files")[0]).unlink()

    assert finish(layout) is None
    assert (published(layout), current(layout), left(layout)) == ([1], 1, (["1"], []))
    assert "is missing" in caplog.text


def test_a_snapshot_that_was_rolled_back_stays_so(tmp_path):
    """Its parent serves, and yet its publication is not taken for an interrupted one."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    roll_back(layout, 1)

    assert finish(layout) is None
    assert (published(layout), current(layout)) == ([1, 2], 1)


def test_a_served_snapshot_only_loses_its_candidate(tmp_path):
    """A crash after the pointer moved leaves a candidate that means nothing any more."""
    layout = small_lake(tmp_path).layout
    numbered = candidate(layout, ("cat",)).model_copy(update={"number": 2})
    write_candidate(layout, numbered)
    publish(layout, numbered)
    assert published(layout) == [1, 2]

    assert finish(layout) is None
    assert (published(layout), current(layout), left(layout)) == ([1, 2], 2, (["1", "2"], []))


def test_with_a_damaged_pointer_nothing_is_decided(tmp_path):
    """Nobody knows what was served, so no snapshot goes."""
    layout = small_lake(tmp_path).layout
    interrupted(layout, step=3)
    layout.current.write_text("one")

    assert finish(layout) is None
    assert left(layout) == (["1", "2"], [])
