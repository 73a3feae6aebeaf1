"""Tests of mmcore/media/debounce.py, on a clock that the tests move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.media.debounce import Debounce

QUIET, PATIENCE = 5.0, 20.0
TIMES = st.floats(0, 200, allow_nan=False)
CHANGES = st.lists(st.tuples(st.sampled_from("abcde"), TIMES), min_size=1, max_size=40)


def debounce(changes=(), most=100):
    """A debounce that has heard ``changes``, in the order of their times."""
    made = Debounce(QUIET, PATIENCE, most)
    for path, at in sorted(changes, key=lambda one: one[1]):
        made.note(path, at)
    return made


def test_nothing_is_due_where_nothing_changed():
    """Without news there is no run."""
    assert debounce().due_at() is None


def test_a_lone_change_is_due_once_it_is_quiet():
    """A file that rests is not waited for any longer."""
    assert debounce([("a", 3.0)]).due_at() == 3.0 + QUIET


def test_a_file_that_is_written_on_is_waited_for():
    """Each further change of the same file begins its rest anew."""
    assert debounce([("a", 3.0), ("a", 7.0), ("a", 30.0)]).due_at() == 30.0 + QUIET


def test_files_that_come_together_are_one_run():
    """Until all are quiet, as long as patience lasts."""
    assert debounce([("a", 1.0), ("b", 4.0), ("c", 8.0)]).due_at() == 8.0 + QUIET


def test_a_quiet_file_waits_only_so_long_for_one_that_is_written():
    """The run takes the quiet one; the busy one stays for the next."""
    made = debounce([("quiet", 0.0), *(("busy", float(at)) for at in range(26))])

    assert made.due_at() == QUIET + PATIENCE
    assert made.take(QUIET + PATIENCE) == 1
    assert len(made) == 1
    assert made.due_at() == 25.0 + QUIET


def test_more_paths_than_are_told_apart_are_still_due():
    """Beyond the bound, new paths count as one, and memory does not grow."""
    made = debounce([(f"p{number}", float(number)) for number in range(1000)], most=10)

    assert len(made) == 11
    assert made.take(2000.0) == 11
    assert made.due_at() is None


@given(CHANGES)
def test_every_change_is_taken_by_a_run_that_comes_in_time(changes):
    """Runs at the due times take all; none waits longer than its rest and others' patience."""
    made, heard = Debounce(QUIET, PATIENCE), sorted(changes, key=lambda one: one[1])
    last = {}
    while heard or len(made):
        due = made.due_at()
        if heard and (due is None or heard[0][1] <= due):
            path, at = heard.pop(0)
            made.note(path, at)
            last[path] = at
            continue
        before = len(made)
        taken = made.take(due)
        quiet = [path for path, at in last.items() if at + QUIET <= due]
        assert taken == len(quiet) > 0
        assert len(made) == before - taken
        assert all(due <= last[path] + QUIET + PATIENCE + 1e-9 for path in quiet)
        last = {path: at for path, at in last.items() if path not in quiet}
    assert last == {}


@given(CHANGES, TIMES)
def test_what_is_busy_is_never_taken(changes, now):
    """Whenever a run begins, a file that changed less than the rest ago stays."""
    known = dict(sorted(changes, key=lambda one: one[1]))
    busy = {path for path, at in known.items() if now < at + QUIET}
    made = debounce(changes)

    made.take(now)

    assert len(made) == len(busy)


@pytest.mark.parametrize("late", [0.0, 10.0, 60.0])
def test_what_is_known_to_be_busy_until_later_waits_for_that(late):
    """A listing that comes only every minute tells nothing of the time between."""
    made = debounce()
    made.note("folder", 100.0 + late)

    assert made.due_at() == 100.0 + late + QUIET
