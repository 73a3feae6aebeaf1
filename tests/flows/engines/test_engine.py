"""The engines and what they leave behind."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from flows.engines import engine as module
from flows.engines.engine import task_runner
from mmcore.errors import ConfigError, MissingExtraError


def squares(engine, workers=2):
    """Run four tasks on ``engine``; answer their results and the processes they ran in."""
    from prefect import flow, task

    @flow
    def run() -> list[tuple[int, int]]:
        with task_runner(engine, workers) as runner:
            futures = [runner.submit(task(square), {"i": i}) for i in range(4)]
            return [future.result() for future in futures]

    results = run()
    return [value for value, _ in results], {pid for _, pid in results}


def square(i):
    """The square, and the process that made it."""
    return i * i, os.getpid()


def test_threads_run_in_this_process(prefect_server):
    """The default engine starts no process."""
    assert squares("threads") == ([0, 1, 4, 9], {os.getpid()})


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_other_engines_run_in_processes_that_end(prefect_server, engine):
    """The results are those of threads, made elsewhere, and no worker outlives its flow run."""
    if engine == "dask":
        pytest.importorskip("prefect_dask")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    values, pids = squares(engine)

    assert values == [0, 1, 4, 9]
    assert os.getpid() not in pids
    assert not any(map(psutil.pid_exists, pids - before))


def test_dask_without_its_extra_names_it(monkeypatch):
    """An engine that is not installed says what to install."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    with pytest.raises(MissingExtraError) as raised:
        task_runner("dask", 1)
    assert raised.value.extra == "dask"


def test_no_workers_is_a_mistake():
    """A pool without workers would never end."""
    with pytest.raises(ConfigError):
        task_runner("threads", 0)


def test_a_pool_child_ends_when_its_parent_is_killed():
    """The watchdog ends a process whose parent is gone, also by kill -9."""
    child = "import os, time; from flows.engines.engine import end_with"
    child += "; end_with(os.getppid(), every=0.05); print(os.getpid(), flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        pid = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not psutil.pid_exists(pid)
