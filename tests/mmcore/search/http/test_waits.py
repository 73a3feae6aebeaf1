"""Tests of mmcore/search/http/waits.py: nobody waits for ever, and nothing is made for nobody."""

import asyncio
from concurrent.futures import Future

import pytest

from mmcore.search.http.problems import ProblemError
from mmcore.search.http.waits import Joined, Waiting


class Client:
    """A request whose client goes when it is told to."""

    def __init__(self):
        self.gone = asyncio.Event()

    async def receive(self):
        """The end of the connection."""
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_an_answer_that_is_there_is_given():
    """Its error too."""

    async def waits(future):
        return await Waiting.of(Client(), 10.0).result(future)

    right, wrong = Future(), Future()
    right.set_result(3)
    wrong.set_exception(KeyError("x"))

    assert asyncio.run(waits(right)) == 3
    with pytest.raises(KeyError):
        asyncio.run(waits(wrong))


@pytest.mark.parametrize("leaves", [True, False])
def test_what_nobody_waits_for_is_dropped(leaves):
    """The client has gone, or the time is over: 503, and the future is cancelled."""

    async def waits(future):
        client = Client()
        if leaves:
            client.gone.set()
        with pytest.raises(ProblemError) as told:
            await Waiting.of(client, 30.0 if leaves else 0.01).result(future)
        await asyncio.sleep(0)
        return told.value.code

    future = Future()

    assert asyncio.run(waits(future)) == "busy"
    assert future.cancelled()


def test_what_several_ask_for_is_made_once():
    """Each has it; it is made anew for who comes later."""
    made = []

    def make(key):
        made.append((key, Future()))
        return made[-1][1]

    joined = Joined(make)
    one, two, other = joined.ask("a"), joined.ask("a"), joined.ask("b")
    one.cancel()
    made[0][1].set_result(7)
    made[1][1].set_exception(ValueError("b"))

    assert [key for key, _ in made] == ["a", "b"]
    assert two.result(1) == 7
    with pytest.raises(ValueError, match="b"):
        other.result(1)
    joined.ask("a")
    assert len(made) == 3


def test_what_all_have_left_is_not_made():
    """One that stays keeps it."""
    made = []

    def make(key):
        made.append(Future())
        return made[-1]

    joined = Joined(make)
    one, two = joined.ask("a"), joined.ask("a")
    one.cancel()
    assert not made[0].cancelled()
    two.cancel()

    assert made[0].cancelled()
    assert joined.ask("a") is not None
    assert len(made) == 2
