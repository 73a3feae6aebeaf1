"""Tests of flows/commands/watch/schedule.py, on a clock that the tests move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.commands.watch.schedule import LOST, STANDING, Schedule, Timing

TIMING = Timing(settle=5, look=3600, again=30, again_at_most=900, pause_at_most=30)
CODES = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 130, -9])
STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 60)), max_size=5),  # changes
        st.floats(0.1, 100),  # seconds that the run takes
        CODES,
        st.integers(0, 1),  # files that wait
    ),
    min_size=1,
    max_size=12,
)


def ran(schedule, at, seconds=10.0, code=0, waiting=0):
    """A run from ``at`` on; when it ended."""
    schedule.begin(at)
    schedule.end(at + seconds, code, waiting)
    return at + seconds


def test_the_start_is_a_full_look():
    """Before anything was heard."""
    assert Schedule(TIMING, 100.0).next_at() == 100.0


def test_everything_is_looked_at_again_after_a_time():
    """Events may be lost."""
    schedule = Schedule(TIMING, 0.0)
    ended = ran(schedule, 0.0)

    assert schedule.next_at() == ended + TIMING.look


def test_a_change_is_run_for_once_it_is_quiet():
    """After the first look at once: the pause is for what follows a change."""
    schedule = Schedule(TIMING, 0.0)
    ran(schedule, 0.0, seconds=3600.0)
    schedule.changes.note("a", 4000.0)

    assert schedule.next_at() == 4005.0


def test_a_run_is_followed_by_a_pause_as_long_as_it_took():
    """Up to a bound: what a minute promises holds for large lakes as far as it can."""
    schedule = Schedule(TIMING, 0.0)
    ran(schedule, 0.0)
    for seconds, pause in ((10.0, 10.0), (500.0, 30.0)):
        schedule.changes.note("a", 4000.0)
        ended = ran(schedule, 4005.0, seconds)
        schedule.changes.note("a", ended)
        assert schedule.next_at() == ended + pause
        schedule.changes.take(1e9)


def test_files_that_were_too_young_are_looked_at_soon():
    """Though no event told of them: they were written before the watch began."""
    schedule = Schedule(TIMING, 0.0)
    ended = ran(schedule, 0.0, waiting=2)

    assert schedule.next_at() == ended + TIMING.settle


@pytest.mark.parametrize("code", [1, 2, 6, 7, 130, -9])
def test_a_failed_run_is_tried_again_later_and_later(code):
    """Changes do not hasten it: what fails at each of them would run all the time."""
    schedule, at, pauses = Schedule(TIMING, 0.0), 0.0, []
    for _ in range(7):
        ended = ran(schedule, at, code=code)
        schedule.changes.note("a", ended)
        at = schedule.next_at()
        pauses.append(at - ended)
    assert pauses == [30, 60, 120, 240, 480, 900, 900]
    assert schedule.again_by_itself

    ran(schedule, at)
    assert schedule.failures == 0


@pytest.mark.parametrize("code", STANDING)
def test_what_the_gate_refused_waits_for_a_change(code):
    """The same files come out the same, and everybody would be told anew; a look comes at last."""
    schedule = Schedule(TIMING, 0.0)
    ended = ran(schedule, 0.0, code=code)

    assert not schedule.again_by_itself
    assert schedule.next_at() == ended + TIMING.look
    schedule.changes.note("a", ended + 100)
    assert schedule.next_at() == ended + 105
    schedule.changes.take(1e9)
    ended = ran(schedule, ended + TIMING.look, code=code)
    assert schedule.next_at() == ended + 2 * TIMING.look


def test_a_source_that_comes_back_is_run_for_at_once():
    """It is looked for by itself too, later and later."""
    schedule = Schedule(TIMING, 0.0)
    ended = ran(schedule, 0.0, code=LOST)

    assert schedule.next_at() == ended + 30
    schedule.changes.note("m/", ended)
    assert schedule.next_at() == ended + TIMING.settle


@given(STEPS)
def test_no_change_is_lost_and_no_run_begins_too_early(steps):
    """Whatever fails and whatever comes during runs: each change has a run after its rest."""
    schedule, now, open_changes, free = Schedule(TIMING, 0.0), 0.0, {}, 0.0
    for changes, seconds, code, waiting in [*steps, ([], 1.0, 0, 0), ([], 1.0, 0, 0)]:
        begins = schedule.next_at()
        assert begins >= max(now, free)
        schedule.begin(begins)
        open_changes = {
            path: at for path, at in open_changes.items() if at + TIMING.settle > begins
        }
        for path, after in sorted(changes, key=lambda one: one[1]):
            if after <= seconds:
                schedule.changes.note(path, begins + after)
                open_changes[path] = begins + after
        assert len(schedule.changes) == len(open_changes)
        now = begins + seconds
        schedule.end(now, code, waiting)
        free = now + (0 if code in {0, LOST} else TIMING.again)
        assert schedule.next_at() <= now + 48 * 3600
    while open_changes:
        begins = schedule.next_at()
        assert begins <= now + TIMING.settle + TIMING.patience + TIMING.pause_at_most + 101
        schedule.begin(begins)
        open_changes = {
            path: at for path, at in open_changes.items() if at + TIMING.settle > begins
        }
        schedule.end(begins, 0)
        now = begins
    assert len(schedule.changes) == 0
