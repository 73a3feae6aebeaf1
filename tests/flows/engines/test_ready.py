"""What tasks need is loaded beside the event loop of a scheduler, and before the first task."""

import asyncio
import sys
import threading
from types import SimpleNamespace

import pytest

from flows.engines.cluster import Cluster
from flows.engines.ready import MODULE, ready
from mmcore.errors import ClusterError

WAITING = """
import threading
assert next(t for t in threading.enumerate() if t.name == "loop").answered.wait(20)
"""


def test_an_event_loop_answers_while_modules_are_loaded(tmp_path, monkeypatch):
    """A module that waits for the loop's answer gets it: loaded in the loop, it never would."""
    (tmp_path / "waiting_for_an_answer.py").write_text(WAITING)
    monkeypatch.syspath_prepend(tmp_path)
    raised = []

    async def answered_meanwhile():
        loading = asyncio.ensure_future(ready("waiting_for_an_answer"))
        await asyncio.sleep(0)
        threading.current_thread().answered.set()
        await loading

    def loop():
        try:
            asyncio.run(answered_meanwhile())
        except AssertionError as error:
            raised.append(error)

    thread = threading.Thread(target=loop, name="loop")
    thread.answered = threading.Event()
    thread.start()
    thread.join()

    assert "waiting_for_an_answer" in sys.modules
    assert not raised


def test_all_are_ready_before_anything_else_is_asked_of_them():
    """The scheduler first: it is the one whose silence ends a run."""
    asked = []
    cluster = object.__new__(Cluster)
    cluster._client = SimpleNamespace(
        run_on_scheduler=lambda do: asked.append(("scheduler", do)),
        run=lambda do, on_error: asked.append(("workers", do)),
    )
    cluster.begin()

    assert asked[:2] == [("scheduler", ready), ("workers", ready)]


def test_a_scheduler_without_mmindex_is_told():
    """With what to do: it loads what tasks name, though it runs none."""

    def run_on_scheduler(_):
        raise ModuleNotFoundError(f"No module named {MODULE!r}")

    cluster = object.__new__(Cluster)
    cluster.address = "tcp://10.0.0.7:8786"
    cluster._client = SimpleNamespace(run_on_scheduler=run_on_scheduler)

    with pytest.raises(ClusterError, match=r"10\.0\.0\.7.*install it there"):
        cluster.begin()
