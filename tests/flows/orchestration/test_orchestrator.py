"""A command's Prefect server: which one, and what it leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from flows.orchestration.orchestrator import orchestrated
from flows.orchestration.temporary_server import OrchestratorError

ROOT = Path(__file__).parents[3]
COMMAND = """
import logging, os, signal, sys
from flows.orchestration.orchestrator import orchestrated

def say(line):
    print(line, flush=True)

with orchestrated(say, preload=["json"]):
    from prefect import flow, task

    @task
    def number(i):
        logging.getLogger("mmcore.anything").info("number %d", i)
        return i

    @flow
    def quick(n: int, then: str) -> None:
        say(sum(number.map(range(n)).result()))
        {"nothing": str, "raise": lambda: 1 / 0, "interrupt": lambda: os.kill(os.getpid(), 2),
         "kill": lambda: os.kill(os.getpid(), 9)}[then]()

    quick(int(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture
def environment(tmp_path):
    """The environment of a user without any setting of Prefect."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return ours | {"PREFECT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


def run(environment, *arguments):
    """Run the command; answer how it ended, and with it its server."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=environment,
        cwd=environment["PREFECT_HOME"],
        capture_output=True,
        check=False,
        text=True,
    )


def servers(environment):
    """The temporary servers that run for this environment."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "flows.orchestration.temporary_server" in (process.info["cmdline"] or []):
            try:
                home = process.environ().get("PREFECT_HOME")
            except psutil.Error:
                continue
            if home == environment["PREFECT_HOME"]:
                found.append(process)
    return found


def test_a_clean_run_ends_clean(environment, tmp_path):
    """One line before the wait, nothing on stderr, no process left, and the logs in the run."""
    ended = run(environment, "30", "nothing")

    assert (ended.returncode, ended.stderr) == (0, "")
    announced, total = ended.stdout.splitlines()
    assert "temporary Prefect server" in announced
    assert int(total) == sum(range(30))
    assert (tmp_path / "mmindex-server.log").read_text() == ""
    assert servers(environment) == []
    assert rows(tmp_path, "select count(*) from task_run where state_type = 'COMPLETED'") == 30
    assert rows(tmp_path, "select count(*) from log where message like 'number %'") == 30


def rows(home, query):
    """The one number that a query of the server's database answers."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(home / "prefect.db")) as database:
        return database.execute(query).fetchone()[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("then", "code", "last"),
    [
        ("raise", 1, "ZeroDivisionError: division by zero"),
        ("interrupt", -signal.SIGINT, "KeyboardInterrupt"),
    ],
)
def test_a_failure_is_told_once_and_leaves_no_server(environment, then, code, last):
    """The flow's own exception comes out, with one traceback, and the server has ended."""
    ended = run(environment, "1", then)

    assert ended.returncode == code
    assert ended.stderr.strip().splitlines()[-1] == last
    assert ended.stderr.count("Traceback") == 1
    assert servers(environment) == []


@pytest.mark.slow
def test_an_interrupted_wait_leaves_no_server(environment):
    """Ctrl-C while the server starts ends it as well."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "1", "nothing"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as command:
        assert "temporary Prefect server" in command.stdout.readline()
        command.send_signal(signal.SIGINT)

    assert command.returncode == -signal.SIGINT
    assert servers(environment) == []


@pytest.mark.slow
def test_a_killed_command_takes_its_server_along(environment):
    """After kill -9 the server ends by itself."""
    assert run(environment, "1", "kill").returncode == -9
    deadline = time.monotonic() + 20
    while servers(environment) and time.monotonic() < deadline:
        time.sleep(0.2)

    assert servers(environment) == []


def test_importing_the_module_imports_no_prefect(environment):
    """The settings go into the environment before Prefect reads it."""
    code = "import sys, flows.orchestration.orchestrator; sys.exit('prefect' in sys.modules)"
    command = [sys.executable, "-c", code]

    assert subprocess.run(command, env=environment, check=False).returncode == 0


def test_a_configured_server_that_does_not_answer_is_one_clear_line(monkeypatch):
    """The URL that was set is named; no temporary server takes its place."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = "http://{}:{}/api".format(*unused.getsockname())
        before, said = psutil.Process().children(), []
        with (
            temporary_settings({PREFECT_API_URL: url}),
            pytest.raises(OrchestratorError) as raised,
            orchestrated(said.append),
        ):
            pass

    assert raised.value.exit_code == 2
    assert url in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert said == [f"using the Prefect server at {url}"]
    assert psutil.Process().children() == before


@contextmanager
def answering(version):
    """A server that is healthy, and says that it is of ``version``; None: it hangs up instead."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/api/admin/version" and version is None:
                self.close_connection = True
                return
            said = json.dumps(version).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http://{}:{}/api".format(*server.server_address)
        server.shutdown()


@pytest.mark.parametrize(
    ("version", "why", "way_out"),
    [("2.20.1", "incompatible versions", "install a release"), (None, "does not answer", "start")],
)
def test_a_server_of_another_release_is_not_one_that_is_too_busy(version, why, way_out):
    """Each is told for what it is, with what helps against it."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        answering(version) as url,
        temporary_settings({PREFECT_API_URL: url}),
        pytest.raises(OrchestratorError) as raised,
        orchestrated(str),
    ):
        pass

    assert why in raised.value.why
    assert raised.value.way_out.startswith(way_out)


def test_a_configured_server_is_used(prefect_server):
    """Where a server is configured, flows use it and it lives on."""
    said = []
    for _ in range(2):
        with orchestrated(said.append) as url:
            assert url == prefect_server

    assert said == [f"using the Prefect server at {prefect_server}"] * 2


def test_a_needless_server_is_not_waited_for(environment):
    """What is found out while it starts may end it: there is no URL, and no process is left."""
    program = """
from flows.orchestration.orchestrator import orchestrated

with orchestrated(print, needless=lambda: True) as url:
    print(repr(url))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, check=True, text=True
    )

    assert done.stdout.splitlines()[-1] == "''"
    assert not servers(environment)
