"""Candidates become snapshots whole, under numbers of their own, or not at all."""

import shutil

import pytest

from storage import history, publication
from storage.candidates import block, blocked, drop_candidate, write_candidate
from storage.errors import CandidateOutdatedError, CorruptLakeError, SnapshotExistsError
from storage.layout import Layout
from storage.publication import finish, next_number, publish, roll_back
from storage.published import current, published
from storage.snapshot import Snapshot
from tests.factories import candidate, manifest, small_lake
from tests.soundness import sound
from tests.storage.halfway import WANTED, failing_at, left

KEYS = ("cat", "狗", "owl")


def test_a_candidate_of_an_older_snapshot_is_refused(tmp_path):
    """Who began before another published does not overwrite what the other published."""
    layout = small_lake(tmp_path).layout
    slow, fast = candidate(layout, ("cat",)), candidate(layout, ("owl",))
    publish(layout, fast)

    with pytest.raises(CandidateOutdatedError) as caught:
        publish(layout, slow)
    assert (caught.value.parent, caught.value.current) == (1, 2)
    assert Snapshot.open(layout).rows("items", ["key"]).to_pydict() == {"key": ["owl"]}


def test_numbers_are_never_used_twice(tmp_path):
    """After a roll back the next snapshot stands above the one that was rolled back."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    assert roll_back(layout, 1).number == 1
    assert Snapshot.open(layout).rows("items").num_rows == 3
    third = publish(layout, candidate(layout, ("owl",)))

    assert (third.number, third.parent) == (3, 1)
    assert published(layout) == [1, 2, 3]
    assert Snapshot.open(layout, 2).rows("items", ["key"]).to_pydict() == {"key": ["cat"]}


def test_a_candidate_with_a_missing_file_is_not_published(tmp_path):
    """What is not whole on disk never becomes the published snapshot."""
    layout = small_lake(tmp_path).layout
    broken = candidate(layout, ("new",))
    (tmp_path / broken.paths("files")[0]).unlink()

    with pytest.raises(CorruptLakeError):
        publish(layout, broken)
    assert current(layout) == 1


def test_a_candidate_is_kept_beside_the_snapshots(tmp_path):
    """A candidate's manifest lies under its run and is not published."""
    layout = small_lake(tmp_path).layout
    path = write_candidate(layout, candidate(layout, ("cat",)))

    assert path == tmp_path / "candidates" / "run-1" / "manifest.json"
    assert current(layout) == 1


def test_a_candidate_that_was_blocked_stays_and_says_why(tmp_path):
    """Its number is taken, its reason is kept; one that was never judged goes."""
    layout = small_lake(tmp_path).layout
    for run in ("refused", "killed"):
        write_candidate(layout, manifest(run=run, number=2))
    block(layout, "refused", "召回率变差了")

    assert finish(layout) is None

    assert [(b.run, b.number, b.reason) for b in blocked(layout)] == [
        ("refused", 2, "召回率变差了")
    ]
    assert (left(layout), next_number(layout)) == ((["1"], ["refused"]), 3)


def test_what_is_left_of_a_removed_candidate_goes(tmp_path):
    """A crash may leave its folder without the manifest."""
    layout = small_lake(tmp_path).layout
    (layout.candidate("half") / "more").parent.mkdir(parents=True)

    finish(layout)

    assert left(layout) == (["1"], [])


def test_dropping_a_candidate_leaves_those_of_other_runs(tmp_path):
    """One run's candidate goes, once; what another run was not allowed to publish stays."""
    layout = Layout(tmp_path)
    blocked = write_candidate(layout, manifest(run="blocked"))
    dropped = write_candidate(layout, manifest(run="done"))
    drop_candidate(layout, "done")
    drop_candidate(layout, "done")

    assert blocked.exists()
    assert not dropped.parent.exists()


def test_a_numbered_candidate_may_be_published_again(tmp_path):
    """Whichever write failed the first time, the second ends what was begun, under one number."""
    layout = small_lake(tmp_path).layout
    numbered = candidate(layout, ("cat",)).model_copy(update={"number": 7})
    for step in (1, 2, 2):  # what is there is not written again
        replace, _ = failing_at(step)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.replace", replace)
            with pytest.raises(OSError, match="no power"):
                publish(layout, numbered)
        assert current(layout) == 1

    assert publish(layout, numbered) == publish(layout, numbered) == numbered
    assert published(layout) == [1, 7]
    assert current(layout) == 7


def test_a_number_that_another_snapshot_has_is_refused(tmp_path):
    """A manifest that stands under the number is never replaced."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    roll_back(layout, 1)
    mine = candidate(layout, ("owl",)).model_copy(update={"number": 2})

    with pytest.raises(SnapshotExistsError):
        publish(layout, mine)
    assert Snapshot.open(layout, 2).rows("items", ["key"]).to_pydict() == {"key": ["cat"]}


def test_a_reader_keeps_its_snapshot_during_publication(tmp_path):
    """A snapshot that was opened before another is published still reads its own rows."""
    reader = small_lake(tmp_path)
    publish(reader.layout, candidate(reader.layout, ("new",)))

    assert reader.rows("items", ["key"]).to_pydict() == {"key": list(KEYS)}
    assert reader.index("image").card.rows == 3


def test_a_crash_between_any_two_writes_leaves_the_published_snapshot_whole(tmp_path, monkeypatch):
    """Whichever write fails, snapshot 1 opens and verifies, and a rerun publishes."""
    small_lake(tmp_path / "before")
    step, crashed = 0, True
    while crashed:
        step += 1
        layout = Layout(tmp_path / f"lake-{step}")
        shutil.copytree(tmp_path / "before", layout.root)
        replace, calls = failing_at(step)
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", replace)
            try:
                publish(layout, candidate(layout, ("cat", "new")))
                crashed = False
            except OSError:
                assert current(layout) == 1
        after = Snapshot.open(layout)
        sound(after)
        assert after.rows("items").num_rows == (3 if crashed else 2)
        if crashed:
            rerun = Snapshot.of(layout, publish(layout, candidate(layout, ("cat", "new"))))
            sound(rerun)
            assert rerun.rows("items", ["key"]).to_pydict() == {"key": ["cat", "new"]}
        assert not list(layout.root.rglob("*.tmp"))

    assert step == len(calls) + 1 > 15


def test_a_rollback_from_what_does_not_serve_is_refused(tmp_path):
    """Whoever wanted to leave one snapshot does not leave another."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    publish(layout, candidate(layout, ("owl",)))

    with pytest.raises(CandidateOutdatedError):
        roll_back(layout, 1, serving=2)

    assert current(layout) == 3
    roll_back(layout, 1, serving=3)
    assert current(layout) == 1


def test_a_rollback_stands_in_the_history_before_it_is_seen(tmp_path, monkeypatch):
    """A run that is killed in between leaves no rollback that nobody knows of."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    entry = history.Entry(
        when=WANTED.when, snapshot=2, run="r", trigger="rollback", config="", verdict="block"
    )
    told = []

    def die(*_):
        told.extend(history.read(layout))
        raise KeyboardInterrupt

    monkeypatch.setattr(publication, "swap", die)
    with pytest.raises(KeyboardInterrupt):
        roll_back(layout, 1, serving=2, entry=entry)

    assert (told, current(layout)) == ([entry], 2)


@pytest.mark.parametrize("name", ["9" * 23, "9" * 5, "٣"])
def test_a_foreign_folder_decides_no_number(tmp_path, name):
    """One that is called by more digits than a number has, or by others; a short one is taken."""
    layout = small_lake(tmp_path).layout
    (layout.root / "reports" / name).mkdir(parents=True)

    assert next_number(layout) == (100_000 if name == "99999" else 2)
