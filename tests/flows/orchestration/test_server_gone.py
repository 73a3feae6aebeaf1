"""A temporary Prefect server that is killed in the middle of a run: the run goes on without."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMMAND = """
import logging, sys
from pathlib import Path
from flows.orchestration.orchestrator import orchestrated
from flows.orchestration.unrecorded import UnrecordedError, recorded, said_once, telling
from storage.layout import Layout

logging.basicConfig(format="%(message)s")
how = sys.argv[1]
with said_once(), orchestrated(print) as url, telling(Layout(Path("lake")), url):
    import psutil
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner
    from prefect._internal.version_checking import _clear_api_version_check_cache
    from flows.config.index import IndexConfig, IndexResult
    from flows.telling.clock import Clock
    from flows.telling.watched import watched
    from mmcore.errors import SourceError
    from tasks.policies import POLICY
    from tasks.throughput import show_throughput

    @task(**POLICY)
    def number(i):
        return i

    @flow(name="index-media")
    @watched("index-media")
    def indexing(config: IndexConfig) -> IndexResult:
        with Clock().stage("embed text", 4, "files"):
            (server,) = [one for one in psutil.Process().children()
                         if "flows.orchestration.temporary_server" in one.cmdline()]
            server.kill()
            server.wait()
            _clear_api_version_check_cache()  # empty in each process of a pool
            with ThreadPoolTaskRunner(max_workers=2) as runner:
                under_way = [runner.submit(number, {"i": i}) for i in range(4)]
                total = sum(one.result() for one in under_way)
        show_throughput({"e5": {"rate": 1.0}})
        if how == "fail":
            raise SourceError("the root is empty")
        return IndexResult(status="published", lake="lake", snapshot=1, items=total)

    print(recorded(indexing, IndexConfig(media=("media",), lake="lake")).items)
"""


def gone(tmp_path, how):
    """What a command says whose server is killed amid its run; Prefect asks each thing once."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    told = {
        "PREFECT_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PREFECT_CLIENT_MAX_RETRIES": "0",
    }
    return subprocess.run(
        [sys.executable, "-c", COMMAND, how],
        env=ours | told,
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )


def test_a_run_ends_well_without_its_server(tmp_path):
    """Tasks, progress, artifacts and the end do without it; one line says what is missing."""
    ended = gone(tmp_path, "well")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "6"
    assert "went away: the end was not recorded" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Still processing" not in ended.stderr
    assert "failed to process item" not in ended.stderr  # of each event, at the interpreter's end


def test_what_fails_without_a_server_fails_as_with_one(tmp_path):
    """The error is ours, not that the server is gone."""
    ended = gone(tmp_path, "fail")

    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].endswith("SourceError: the root is empty")
