"""Two stages with a bounded number of inputs under way."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.engines.window import Room, flow_through


def done(value):
    """A future that is done already."""
    future: Future = Future()
    future.set_result(value)
    return future


def failed(error):
    """A future that has failed already."""
    future: Future = Future()
    future.set_exception(error)
    return future


@given(
    n=st.integers(0, 30),
    ahead=st.integers(1, 8),
    at_once=st.none() | st.integers(1, 3),
)
def test_each_input_passes_both_stages_once(n, ahead, at_once):
    """Whatever the bounds, each input gives one result, made of its own first stage."""
    results = flow_through(
        range(n), lambda i: done(i * 10), lambda i, a: done((i, a)), ahead=ahead, at_once=at_once
    )

    assert sorted(results) == [(i, i * 10) for i in range(n)]


@pytest.mark.parametrize("at_once", [None, 1, 2])
def test_no_more_than_ahead_are_under_way(at_once):
    """Between the first call and the second's result there are at most `ahead` inputs."""
    lock, under_way, second_running, peaks = threading.Lock(), set(), set(), [0, 0]

    def prepare(i):
        time.sleep(0.001 * (i % 3))
        return i

    def embed(i):
        with lock:
            second_running.add(i)
            peaks[1] = max(peaks[1], len(second_running))
        time.sleep(0.002)
        with lock:
            second_running.discard(i)
            under_way.discard(i)
        return i

    def first(i):
        with lock:
            under_way.add(i)
            peaks[0] = max(peaks[0], len(under_way))
        return pool.submit(prepare, i)

    with ThreadPoolExecutor(4) as pool:
        results = flow_through(
            range(40), first, lambda _, a: pool.submit(embed, a), ahead=5, at_once=at_once
        )
        assert sorted(results) == list(range(40))

    assert peaks[0] == 5
    assert peaks[1] <= (at_once or 4)


def test_inputs_are_taken_as_there_is_room():
    """A generator of inputs is never read further than the window reaches."""
    taken = []

    def inputs():
        for i in range(100):
            taken.append(i)
            yield i

    results = flow_through(inputs(), done, lambda _, a: done(a), ahead=3)
    next(results)
    results.close()

    assert len(taken) <= 4


def test_the_second_stage_of_one_overlaps_the_first_of_another():
    """With one worker for each stage, the second stage runs while the first goes on."""
    second_began = threading.Event()

    def first(i):
        return cpu.submit(lambda: (second_began.wait(10) if i == 1 else True) and i)

    def second(_, a):
        return device.submit(lambda: second_began.set() or a)

    with ThreadPoolExecutor(1) as cpu, ThreadPoolExecutor(1) as device:
        assert sorted(flow_through(range(2), first, second, ahead=2)) == [0, 1]


@pytest.mark.parametrize("stage", ["first", "second"])
def test_the_first_failure_ends_the_calls_and_is_raised_as_it_is(stage):
    """What failed is raised itself, nothing is submitted after it, what ran has finished."""
    error, called, finished = OSError("gone"), [], []

    def slow(i):
        time.sleep(0.05)
        finished.append(i)
        return i

    def first(i):
        called.append(i)
        return failed(error) if (stage, i) == ("first", 2) else pool.submit(slow, i)

    def second(i, a):
        return failed(error) if (stage, i) == ("second", 0) else done(a)

    with ThreadPoolExecutor(4) as pool, pytest.raises(OSError, match="gone") as raised:
        list(flow_through(range(50), first, second, ahead=4))

    assert raised.value is error
    assert max(called) < 8
    assert sorted(finished) == [i for i in called if (stage, i) != ("first", 2)]


def test_a_caller_that_stops_leaves_nothing_running():
    """Closing the generator waits for what was submitted."""
    finished = []

    def slow(i):
        time.sleep(0.02)
        finished.append(i)

    with ThreadPoolExecutor(2) as pool:
        results = flow_through(
            range(9), lambda i: pool.submit(slow, i), lambda i, _: done(i), ahead=3
        )
        next(results)
        results.close()
        after = len(finished)
        time.sleep(0.05)

    assert len(finished) == after


@pytest.mark.parametrize("bounds", [{"ahead": 0}, {"ahead": 1, "at_once": 0}])
def test_a_window_of_nothing_is_refused(bounds):
    """A bound below one would wait for ever."""
    with pytest.raises(ValueError, match="at least 1"):
        list(flow_through([1], done, lambda _, a: done(a), **bounds))


def test_prefect_futures_flow_and_fail_as_themselves(prefect_server):
    """Tasks of one small pool pass both stages, and a task's own exception comes back."""
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def prepare(i):
        return i * 10

    @task
    def embed(a):
        if a == 990:
            raise FileNotFoundError("weights")
        return a + 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def both(inputs: list[int]) -> list[int]:
        return sorted(
            flow_through(inputs, prepare.submit, lambda _, a: embed.submit(a), ahead=4, at_once=1)
        )

    assert both([0, 1, 2, 3, 4, 5]) == [1, 11, 21, 31, 41, 51]
    with pytest.raises(FileNotFoundError, match="weights"):
        both([99, *range(3)])


def test_decoding_stops_while_what_waits_takes_all_room():
    """Four of three bytes fit into twelve: the fifth waits for one to be done."""
    begun, gates, counts = [], {}, []

    def first(i):
        begun.append(i)
        return done(3)

    def second(i, _):
        gates[i] = Future() if i else done(0)
        return gates[i]

    room = Room(12, lambda size: size)
    results = flow_through(range(8), first, second, ahead=6, at_once=2, room=room)
    for i in range(8):
        if i:
            gates[i].set_result(i)
        next(results)
        counts.append(len(begun))

    assert counts == [6, 6, 7, 8, 8, 8, 8, 8]  # no size was known to the first six
    assert list(results) == []


def test_one_that_is_too_large_is_let_through_alone():
    """A bound below one shard must not stop the run."""
    found = flow_through(
        range(5), done, lambda i, _: done(i), ahead=3, room=Room(1, lambda _: 100)
    )

    assert sorted(found) == [0, 1, 2, 3, 4]
