import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.search.opened.once import Once


def test_each_is_made_once_for_all_threads():
    """Those that want it while it is made get that one."""
    once, made, begun = Once(), [], threading.Event()

    def make():
        begun.wait(5)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(8) as threads:
        wanted = [threads.submit(once.of, "one", make) for _ in range(8)]
        begun.set()
        found = {id(one.result(5)) for one in wanted}

    assert found == {id(made[0])}
    assert len(made) == 1


def test_nobody_waits_for_what_another_wants():
    """While one thing is made, others are made and used."""
    once, may_end, begun = Once(), threading.Event(), threading.Event()

    def slowly():
        begun.set()
        assert may_end.wait(5)
        return "slow"

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(once.of, "slow", slowly)
        assert begun.wait(5)
        assert once.of("fast", lambda: "fast") == "fast"
        assert not slow.done()
        may_end.set()
        assert slow.result(5) == "slow"


def test_what_makes_one_may_ask_for_others():
    """A thing may be made of other things."""
    once = Once()

    assert once.of("sum", lambda: once.of("a", lambda: 1) + once.of("b", lambda: 2)) == 3
    assert once.of("a", lambda: 7) == 1


def test_what_could_not_be_made_is_tried_again():
    """An error is of who asked, and is not kept."""
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.of("one", lambda: 1 // 0)

    assert once.of("one", lambda: 2) == 2
    assert once.of("none", lambda: None) is None
    assert once.of("none", lambda: 3) is None
