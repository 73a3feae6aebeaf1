"""A pool of processes of which one dies."""

import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from flows.engines.engine import task_runner
from flows.engines.mended import TRIES, Mended
from mmcore.errors import ClusterError


class Pool:
    """Breaks at the inputs in ``deadly``, each time it is named there; ends whole."""

    def __init__(self, deadly, made):
        self.deadly, self.broken, self.open = deadly, False, False
        made.append(self)

    def __enter__(self):
        self.open = True
        return self

    def __exit__(self, *_):
        self.open = False

    def submit(self, task, parameters):
        """Square at once, or break."""
        future: Future = Future()
        x = parameters["x"]
        if self.broken or x in self.deadly:
            if not self.broken:
                self.deadly.remove(x)
            self.broken = True
            future.set_exception(BrokenProcessPool("dead"))
        elif x < 0:
            future.set_exception(ValueError(x))
        else:
            future.set_result(x * x)
        future.wrapped_future = future
        return future


class Task:
    """What is asked of a task of Prefect."""

    name = "square"


@pytest.mark.parametrize("deadly", [[], [1], [1, 2], [1, 1], [3, 0, 3]])
def test_what_a_pool_died_with_is_done_by_the_next(deadly):
    """Each result comes once; every pool is closed in the end."""
    made = []
    with Mended(lambda: Pool(deadly, made)) as runner:
        futures = [runner.submit(Task(), {"x": x}) for x in range(4)]
        heard = []
        for future in futures:
            future.add_done_callback(heard.append)

        assert [future.result() for future in futures] == [0, 1, 4, 9]
        assert heard == futures
    assert deadly == []
    assert not any(pool.open for pool in made)


def test_what_kills_each_pool_is_given_up():
    """The error says at what; a task's own failure is raised at once, as it is."""
    made = []
    with Mended(lambda: Pool([5] * TRIES, made)) as runner:
        with pytest.raises(ClusterError, match=f"died {TRIES} times at square"):
            runner.submit(Task(), {"x": 5}).result()
        assert len(made) == TRIES
        with pytest.raises(ValueError, match="-1"):
            runner.submit(Task(), {"x": -1}).result()
    assert len(made) <= TRIES + 1


def squared(x, folder):
    """The square; the first process that is asked for that of 2 is killed."""
    time.sleep(0.05)
    if x == 2 and not (folder / "dead").exists():
        (folder / "dead").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not killed so")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_a_killed_process_costs_no_task(prefect_server, tmp_path, engine):
    """`processes` goes on with a new pool, Dask with a new worker, in the same flow run."""
    if engine == "dask":
        pytest.importorskip("prefect_dask")
    from prefect import flow, runtime, task

    def told(x: int, folder: Path) -> tuple[int, str | None]:
        return squared(x, folder), runtime.flow_run.id

    @flow
    def run() -> tuple[list[tuple[int, str | None]], str | None]:
        with task_runner(engine, 2) as runner:
            futures = [runner.submit(task(told), {"x": x, "folder": tmp_path}) for x in range(6)]
            return [future.result() for future in futures], runtime.flow_run.id

    results, mine = run()

    assert (tmp_path / "dead").exists()
    assert [value for value, _ in results] == [0, 1, 4, 9, 16, 25]
    assert {of for _, of in results} == {mine}


def test_nothing_is_submitted_before_the_pool_is_there():
    """As with the runners of Prefect."""
    with ThreadPoolExecutor() as unused, pytest.raises(RuntimeError, match="context"):
        Mended(lambda: unused).submit(Task(), {"x": 1})
