"""Candidates that the gate blocked, and who lets them serve."""

import errno
import shutil

import pytest

from storage import history, publication
from storage.candidates import block, blocked, write_candidate
from storage.errors import CandidateOutdatedError, CorruptLakeError
from storage.manifest import Evaluation
from storage.publication import finish, publish, publish_blocked
from storage.published import current, manifest_of
from tests import deaths
from tests.factories import candidate, small_lake
from tests.storage.halfway import WANTED


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
        with deaths.dying(monkeypatch, layout.root, at=at) as disk:
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
