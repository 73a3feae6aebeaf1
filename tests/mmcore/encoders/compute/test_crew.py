"""An engine's calls shared out to the cores."""

import threading
import time

import numpy as np
import pytest

from mmcore.encoders.compute.crew import Crew


class Library:
    """OpenMP's function, as a library of C has it: what is set is of the calling thread."""

    def __init__(self):
        self.threads = threading.local()

    def omp_set_num_threads(self, count):
        """Set it."""
        self.threads.count = count


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16])
def test_rows_come_in_the_order_of_inputs_few_at_a_time(count):
    """Each input once, no more at a time than are told, and something for each thread."""
    sizes = []

    def work(some):
        sizes.append(len(some))
        return np.array([[one, -one] for one in some])

    rows = Crew(object(), threads=2).rows(work, range(count), 4)

    assert rows.tolist() == [[number, -number] for number in range(count)]
    assert max(sizes) <= 4
    assert len(sizes) >= min(2, count)


def test_each_thread_keeps_the_librarys_regions_to_itself():
    """The caller's thread is left as it is."""
    library = Library()
    found = Crew(library, threads=2).rows(
        lambda some: np.array([[library.threads.count] for _ in some]), range(8), 1
    )

    assert found.tolist() == [[1]] * 8
    assert not hasattr(library.threads, "count")


def test_no_more_calls_than_threads_are_under_way_whoever_asks():
    """Two callers share two threads; while one is at work nobody is alone."""
    crew, lock, under_way, most = Crew(object(), threads=2), threading.Lock(), [0], [0]
    begun = threading.Barrier(2)

    def work(some):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        if 0 in some:
            begun.wait(30)
            assert not crew.idle
        with lock:
            under_way[0] -= 1
        return np.zeros((len(some), 1))

    callers = [
        threading.Thread(target=crew.rows, args=(work, [0, *range(1, 20)], 1)) for _ in range(2)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert most[0] <= 2
    assert crew.idle


def test_a_call_in_the_callers_thread_is_under_way_too():
    """A second caller sees that the cores are taken, as they are by the first one alone."""
    crew, seen = Crew(object(), threads=2), []

    def work(some):
        seen.append((crew.idle, threading.current_thread()))
        return np.atleast_2d(some)

    assert crew.by_caller(work, [7]).tolist() == [[7]]
    assert seen == [(False, threading.current_thread())]
    assert crew.idle


def test_after_an_error_what_has_not_begun_is_left():
    """It is raised as it is, and the crew works on."""
    crew, seen = Crew(object(), threads=1), []

    def work(some):
        seen.extend(some)
        time.sleep(0.01)  # so that who waits hears of it
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        crew.rows(work, range(1000), 1)

    assert crew.idle
    assert len(seen) < 1000
    assert crew.rows(np.atleast_2d, [[5]], 1).tolist() == [[5]]
