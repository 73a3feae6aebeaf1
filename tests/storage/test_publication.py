import errno
import os
import shutil
from datetime import UTC, datetime

import pytest

from storage import history, publication
from storage.candidates import block, blocked, drop_candidate, write_candidate
from storage.errors import (
    CandidateOutdatedError,
    CorruptLakeError,
    NoLakeError,
    SnapshotExistsError,
)
from storage.layout import Layout
from storage.manifest import Evaluation, Override
from storage.publication import finish, next_number, publish, publish_blocked, roll_back
from storage.snapshot import Snapshot, current, manifest_of, published
from tests import crashes
from tests.factories import (
    candidate,
    manifest,
    small_lake,
)
from tests.soundness import sound

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


def left(layout):
    """Folders of snapshots, and of candidates."""
    names = (
        [p.name for p in layout.snapshots.iterdir()],
        [p.name for p in layout.candidates.iterdir()],
    )
    return tuple(map(sorted, names))


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


def failing_at(step):
    """An os.replace that fails at its ``step``-th call, and the list of its calls."""
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == step:
            raise OSError("no power")
        real(source, target)

    return replace, calls


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


@pytest.fixture
def refused(tmp_path):
    """A lake whose snapshot 1 serves, and a candidate of it that the gate blocked."""
    layout = small_lake(tmp_path).layout
    told = candidate(layout, ("cat",)).model_copy(update={"number": 2})
    write_candidate(layout, told)
    block(layout, told.run, "worse", {"status": "block", "findings": []}, "rules")
    return layout, told


def test_a_block_tells_who_judged_and_by_what(refused):
    """The verdict and the rules, beside the reason."""
    layout, told = refused

    (found,) = blocked(layout)

    assert (found.run, found.number, found.reason) == (told.run, 2, "worse")
    assert (found.verdict, found.judged_by) == ("block", "rules")


def test_a_blocked_candidate_can_be_published(refused):
    """It serves under its number, and is a candidate no more."""
    layout, told = refused

    publish_blocked(layout, told)

    assert (current(layout), blocked(layout)) == (2, [])
    assert not layout.candidate(told.run).exists()


def test_a_blocked_candidate_stays_where_another_serves(refused):
    """What was published since would be undone."""
    layout, told = refused
    publish(layout, candidate(layout, ("owl",)))

    with pytest.raises(CandidateOutdatedError):
        publish_blocked(layout, told)

    assert [one.run for one in blocked(layout)] == [told.run]


def test_a_blocked_candidate_stays_where_a_file_is_gone(refused):
    """It could not serve; it can still be looked into."""
    layout, told = refused
    (layout.root / told.files[0].path).unlink()

    with pytest.raises(CorruptLakeError):
        publish_blocked(layout, told)

    assert (current(layout), [one.run for one in blocked(layout)]) == (1, [told.run])


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


WANTED = Override(name="Li Wei", reason="a new model", when=datetime(2026, 5, 1, tzinfo=UTC))


def wanted(told):
    """The candidate as it is let serve by somebody."""
    evaluation = Evaluation(status="measured", verdict="block", override=WANTED)
    return told.model_copy(update={"evaluation": evaluation})


def test_who_let_it_serve_stands_in_the_history_once(refused):
    """Also where the next writer looks whether it was ended."""
    layout, told = refused

    publish_blocked(layout, wanted(told))
    finish(layout)

    assert [one.override for one in history.read(layout)] == [WANTED]


@pytest.mark.slow
def test_letting_serve_may_be_killed_at_any_moment(refused, monkeypatch, tmp_path):
    """It is blocked as it was, or the next writer ends it; the history never lacks who did it."""
    layout, told = refused
    whole, at, ends = tmp_path.with_name("whole"), 0, []
    shutil.copytree(layout.root, whole)
    while True:
        at += 1
        with crashes.dying(monkeypatch, layout.root, at=at) as disk:
            publish_blocked(layout, wanted(told))
        finish(layout)
        served = current(layout) == 2
        assert [one.run for one in blocked(layout)] == ([] if served else [told.run])
        assert [one.override for one in history.read(layout)] == ([WANTED] if served else [])
        if served:
            assert manifest_of(layout).evaluation.override == WANTED
        else:
            assert publish_blocked(layout, wanted(told)).number == 2
        ends.append(served)
        if not disk.dead:
            break
        shutil.rmtree(layout.root)
        shutil.copytree(whole, layout.root)

    assert ends == sorted(ends)
    assert 3 < ends.count(False) < len(ends) - 3


@pytest.mark.parametrize("name", ["create", "swap"])
def test_a_full_disk_leaves_what_was_blocked_as_it_was(refused, monkeypatch, name):
    """The error is raised; it can be tried again."""
    layout, told = refused
    manifest_before = (layout.candidate(told.run) / "manifest.json").read_bytes()

    def full(path, *_):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(publication, name, full)
        with pytest.raises(OSError, match="No space"):
            publish_blocked(layout, wanted(told))

    assert (layout.candidate(told.run) / "manifest.json").read_bytes() == manifest_before
    assert [(one.run, one.verdict) for one in blocked(layout)] == [(told.run, "block")]
    assert current(layout) == 1


def test_what_was_begun_and_cannot_serve_any_more_is_blocked_again(refused, monkeypatch):
    """Another serves by then: what there is of the snapshot goes, the candidate stays."""
    layout, told = refused
    with monkeypatch.context() as patch:
        patch.setattr(publication, "swap", lambda *_: False)
        with pytest.raises(CandidateOutdatedError):
            publish_blocked(layout, wanted(told))
    publish(layout, candidate(layout, ("owl",)))

    assert finish(layout) is None
    assert current(layout) == 3
    assert not layout.snapshot(2).exists()
    assert [one.run for one in blocked(layout)] == [told.run]
    assert history.read(layout) == []


def test_a_candidate_is_not_published_for_nobody(refused):
    """A snapshot of a blocked run that nobody let serve is not ended."""
    layout, told = refused
    folder = layout.snapshot(2)
    folder.mkdir()
    (folder / "manifest.json").write_bytes(told.to_json())

    assert finish(layout) is None
    assert (current(layout), [one.run for one in blocked(layout)]) == (1, [told.run])


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
