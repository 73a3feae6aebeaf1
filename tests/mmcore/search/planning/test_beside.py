"""The words of a lone search are weighed while its text is encoded."""

from concurrent.futures import wait
from types import SimpleNamespace

import pytest

from mmcore.errors import ConfigError
from mmcore.search.planning import beside
from mmcore.search.planning.beside import weighing
from mmcore.search.planning.plan import Plan


class Wording:
    """Counts how often it is weighed, and fails where that is told."""

    def __init__(self, error=None):
        self.weighed, self.error = 0, error

    def weigh(self):
        """Once more."""
        self.weighed += 1
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """Whatever this machine has."""
    monkeypatch.setattr(beside, "cores", lambda: 2)


def plan(wording, targets=("index",)):
    """A plan that searches ``targets`` and words."""
    return Plan(SimpleNamespace(), (), targets, wording, 0.5, SimpleNamespace(), ())


def test_the_words_of_a_lone_search_are_weighed():
    """Once."""
    wording = Wording()
    wait(weighing([plan(wording)]))

    assert wording.weighed == 1


@pytest.mark.parametrize("count", [2, 32])
def test_several_searches_leave_no_core_for_it(count):
    """Each weighs its words when it comes to them."""
    assert weighing([plan(Wording()) for _ in range(count)]) == []


def test_words_alone_wait_for_no_encoder():
    """Nor does a search without words, or one that cannot be planned."""
    assert weighing([plan(Wording(), targets=())]) == []
    assert weighing([plan(None)]) == []
    assert weighing([ConfigError("no")]) == []


def test_one_core_does_one_thing_at_a_time(monkeypatch):
    """There the words would only take it from the encoder."""
    monkeypatch.setattr(beside, "cores", lambda: 1)

    assert weighing([plan(Wording())]) == []


def test_an_error_is_left_to_who_looks_the_words_up():
    """The search goes on, and comes to it itself."""
    futures = weighing([plan(Wording(ConfigError("broken")))])

    wait(futures)
    assert [str(one.exception()) for one in futures] == ["broken"]
