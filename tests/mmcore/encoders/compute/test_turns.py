"""Turns at an engine, and the threads of a call."""

import threading

import pytest

from mmcore.encoders.compute.turns import Turns, in_threads


class Library:
    """OpenMP's two functions, as a library of C has them; what is set is of the calling thread."""

    def __init__(self, most):
        self.threads = most

    def omp_get_max_threads(self):
        """As set."""
        return self.threads

    def omp_set_num_threads(self, count):
        """Set it."""
        self.threads = count


def test_the_first_call_is_alone_and_the_second_is_not():
    """Once both have ended the next one is alone again."""
    turns = Turns(2)
    with turns.turn() as first, turns.turn() as second:
        assert (first, second) == (True, False)
    with turns.turn() as third:
        assert third


def test_a_call_that_fails_gives_its_place_back():
    """Else the next one would wait for ever."""
    turns = Turns(1)
    with pytest.raises(ValueError, match="broken"), turns.turn():
        raise ValueError("broken")
    with turns.turn() as alone:
        assert alone


def test_no_more_calls_than_cores_are_under_way():
    """A third one waits until one of two ends."""
    turns, came = Turns(2), threading.Event()

    def third():
        with turns.turn():
            came.set()

    thread = threading.Thread(target=third)
    with turns.turn():
        with turns.turn():
            thread.start()
            assert not came.wait(0.05)
        assert came.wait(30)
    thread.join()


def test_one_thread_is_for_one_call():
    """Afterwards there are as many as before."""
    library = Library(4)
    with in_threads(library, every=False):
        assert library.threads == 1
    assert library.threads == 4
    with in_threads(library, every=True):
        assert library.threads == 4


def test_a_call_that_fails_leaves_as_many_threads_as_before():
    """The thread that made it may make others."""
    library = Library(4)
    with pytest.raises(ValueError, match="broken"), in_threads(library, every=False):
        raise ValueError("broken")
    assert library.threads == 4


def test_a_library_without_openmp_has_one_thread_anyway():
    """Nothing is asked of it."""
    with in_threads(object(), every=False):
        pass
