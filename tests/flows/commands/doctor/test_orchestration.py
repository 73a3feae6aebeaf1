"""What is said of Prefect: its settings, its server, its pools and its late runs."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    temporary_settings,
)

from flows.commands.doctor import orchestration
from flows.commands.doctor.words import catalogue, told


@pytest.fixture(autouse=True)
def _no_other_servers(monkeypatch):
    """Whoever runs the tests may have a `mmindex up`."""
    monkeypatch.setattr(orchestration.ups, "urls", list)


@contextmanager
def serving(answers):
    """A server that gives these answers by path, and its URL; it notes what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get("content-length") or 0)
            asked.append((self.path, self.headers.get("authorization"), self.rfile.read(length)))
            found = answers(self.path, asked[-1][2])
            refused = found if found in (401, 403) else None
            self.send_response(refused or (200 if found is not None else 404))
            self.end_headers()
            said = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.wfile.write(said)

        do_GET = do_POST = _answer

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def answers(version="3.9.1", *, late=0, crashed=0, pools=(), sends=False):
    """Those of a Prefect server in that state."""
    import prefect

    mine = prefect.__version__ if version == "mine" else version

    def answer(path, body):
        if path == "/flow_runs/count":
            assert b"index-media" in body  # others' flows are none of ours
            return late if b"Late" in body else crashed
        return {
            "/admin/version": mine,
            "/admin/settings": {"server": {"analytics_enabled": sends}},
            "/work_pools/filter": list(pools),
            "/flow_runs/filter": [
                {"id": f"run{n}", "flow_id": "f1", "parameters": {"config": {"lake": "/srv/lake"}}}
                for n in range(crashed)
            ],
            "/flows/filter": [{"id": "f1", "name": "index-media"}],
        }.get(path)

    return answer


def said(checks):
    """States and findings."""
    return [(one.state, one.said) for one in checks]


def test_a_server_of_our_version_that_answers_is_well():
    """And what it holds is in order: no pools, nothing late."""
    with serving(answers("mine")) as (url, _), temporary_settings({PREFECT_API_URL: url}):
        assert said(orchestration.server()) == [("ok", "server")]
        assert said(orchestration.pools()) == [("ok", "pools-none")]
        assert said(orchestration.late()) == [("ok", "late")]


@pytest.mark.parametrize(
    ("version", "found"),
    [("3.1.0", ("warn", "server-older")), ("2.20.4", ("fail", "server-other"))],
)
def test_another_version_is_told(version, found):
    """A minor one works with surprises, another major one not at all."""
    with serving(answers(version)) as (url, _), temporary_settings({PREFECT_API_URL: url}):
        assert said(orchestration.server()) == [found]


def test_what_waits_in_a_server_is_told():
    """Pools without a worker, paused ones, late runs, crashed runs, telemetry."""
    pools = [
        {"name": "mmindex", "type": "process", "status": "NOT_READY", "is_paused": False},
        {"name": "far", "type": "docker", "status": "NOT_READY", "is_paused": False},
        {"name": "gpu", "status": "PAUSED", "is_paused": True},
    ]
    state = answers("mine", late=2, crashed=1, pools=pools, sends=True)
    with serving(state) as (url, _), temporary_settings({PREFECT_API_URL: url}):
        idle, elsewhere, paused = orchestration.pools()
        assert (idle.said, idle.facts["names"]) == ("pools-idle", "mmindex")
        assert (elsewhere.said, elsewhere.facts["names"]) == ("pools-idle-elsewhere", "far")
        assert (paused.said, paused.facts["names"]) == ("pools-paused", "gpu")
        assert said(orchestration.late()) == [("warn", "late-some"), ("warn", "late-crashed")]
        assert said(orchestration.server())[-1] == ("warn", "server-telemetry-on")


def test_of_crashed_runs_it_is_told_whose_they_are_and_what_to_do():
    """Flow, lake and server, and the command that shows the last one's log."""
    with (
        serving(answers("mine", crashed=2)) as (url, _),
        temporary_settings({PREFECT_API_URL: url}),
    ):
        (found,) = orchestration.late()

    fact, todo = told(found, "en")
    assert "2 runs of mmindex crashed" in fact
    assert f"{url} has it: 2 × index-media (/srv/lake)" in fact
    assert f"PREFECT_API_URL={url} prefect flow-run logs run0" in todo


def test_a_server_that_does_not_answer_is_a_failure_without_its_password():
    """Nothing else is asked of it."""
    with temporary_settings({PREFECT_API_URL: "http://me:hidden@127.0.0.1:1/api"}):
        (one,) = orchestration.server()
        assert (one.state, one.said) == ("fail", "server-silent")
        assert "hidden" not in str(one.facts)
        assert list(orchestration.pools()) == []


@pytest.mark.parametrize(
    ("url", "what"),
    [("nonsense", "server-address"), ("http://127.0.0.1:4200x/api", "server-address")],
)
def test_what_is_no_address_is_told_as_it_was_said(url, what):
    """It is to be corrected; no server has to be started for it."""
    with temporary_settings({PREFECT_API_URL: url}):
        (one,) = orchestration.server()
        assert (one.state, one.said, one.facts["url"]) == ("fail", what, url)
        assert list(orchestration.late()) == []


def test_a_page_in_place_of_an_api_is_told():
    """As where /api is left out of the address: its pages answer, or nothing of Prefect's."""
    with (
        serving(lambda *_: None) as (url, _),
        temporary_settings({PREFECT_API_URL: url}),
    ):
        (one,) = orchestration.server()
        assert (one.state, one.said, one.facts["error"]) == ("fail", "server-strange", "HTTP 404")
    with (
        serving(lambda *_: b"<html>") as (url, _),
        temporary_settings({PREFECT_API_URL: url}),
    ):
        assert said(orchestration.server()) == [("fail", "server-strange")]


def test_a_server_that_wants_credentials_says_so():
    """Starting another one would not help."""
    with (
        serving(lambda *_: 401) as (url, _),
        temporary_settings({PREFECT_API_URL: url}),
    ):
        assert said(orchestration.server()) == [("fail", "server-refuses")]


def test_the_server_of_mmindex_up_need_not_be_named(monkeypatch):
    """Its worker and its late runs are looked at, where no other server is named."""
    pools = [{"name": "mmindex", "type": "process", "status": "NOT_READY"}]
    with (
        serving(answers("mine", late=1, pools=pools)) as (url, _),
        temporary_settings(restore_defaults={PREFECT_API_URL}),
    ):
        monkeypatch.setattr(orchestration.ups, "urls", lambda: [url, "http://127.0.0.1:1/api"])
        assert said(orchestration.server()) == [
            ("ok", "server-up"),
            ("warn", "server-up-silent"),
            ("ok", "server-beside"),
        ]
        assert said(orchestration.pools()) == [("warn", "pools-idle")]
        assert said(orchestration.late()) == [("warn", "late-some")]
        todo = [told(one, "en") for one in (*orchestration.pools(), *orchestration.late())]
        first, *_, last = [told(one, "en")[0] for one in orchestration.server()]

    assert first.startswith(f"the server of `mmindex up` at {url} answers")
    assert f"with PREFECT_API_URL={url} they use it" in last
    assert [f"PREFECT_API_URL={url} prefect " in what for _, what in todo] == [True, True]


def test_what_is_to_be_done_is_asked_of_the_server_that_was_looked_at():
    """A terminal may have no PREFECT_API_URL: then `prefect` asks another one."""
    for language in ("en", "zh"):
        for name, (_, todo) in catalogue(language).items():
            if name.startswith(("pools-", "late-")) and "prefect " in todo:
                assert todo.count("prefect ") == todo.count("PREFECT_API_URL={url} prefect ")


def test_credentials_go_to_the_server():
    """As Prefect's own client sends them."""
    with (
        serving(answers("mine")) as (url, asked),
        temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: "me:secret"}),
    ):
        assert said(orchestration.server()) == [("ok", "server")]

    assert {header for _, header, _ in asked} == {"Basic bWU6c2VjcmV0"}


def test_without_a_server_a_temporary_one_may_start():
    """Unless a setting forbids it."""
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        with temporary_settings({PREFECT_SERVER_EPHEMERAL_ENABLED: True}):
            assert said(orchestration.server()) == [("ok", "server-temporary")]
        with temporary_settings({PREFECT_SERVER_EPHEMERAL_ENABLED: False}):
            assert said(orchestration.server()) == [("fail", "server-none")]


def test_telemetry_is_off_or_told():
    """It is turned off by us; who turns it on is told."""
    assert ("ok", "prefect-telemetry") in said(orchestration.prefect())
    with temporary_settings({PREFECT_SERVER_ANALYTICS_ENABLED: True}):
        assert ("warn", "prefect-telemetry-on") in said(orchestration.prefect())


def test_a_real_server_answers_as_asked(prefect_server):
    """The paths and the filters are those of Prefect itself."""
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        assert said(orchestration.server())[0] == ("ok", "server")
        assert [one.state for one in (*orchestration.pools(), *orchestration.late())] == [
            "ok",
            "ok",
        ]


def test_no_folder_of_prefects_is_made(tmp_path):
    """Importing Prefect makes one; looking at it does not."""
    module = "flows.commands.doctor.orchestration"
    program = f"from {module} import prefect; print([one.said for one in prefect()])"
    environment = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )

    assert b"'prefect'" in done.stdout
    assert list(tmp_path.iterdir()) == []
