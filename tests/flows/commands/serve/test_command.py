"""Tests of `mmindex serve`: what it refuses, and a server that starts, answers and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from flows.commands.serve.command import Listening, _announce, _listening, _why, run_serve
from mmcore.errors import ConfigError
from storage.errors import NoLakeError
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours

HEAVY = ("fastapi", "starlette", "uvicorn", "prometheus_client", "torch", "faiss")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake, with its preset installed."""
    root = tmp_path_factory.mktemp("lake")
    make_lake(root, coloured_items(["red"]), towers())
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield root / "lake"


def test_help_loads_no_server():
    """The command line names the command without importing what serves."""
    program = f"import sys, flows.cli; print([m for m in {HEAVY} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_other_machines_need_a_token(lake, host):
    """What is reached from elsewhere is never open to all."""
    with pytest.raises(ConfigError, match="--token-file"):
        run_serve({"lake": str(lake)}, Listening(host, 0))


@pytest.mark.parametrize(
    ("text", "why"), [("", "empty"), ("short", "too short"), (None, "cannot")]
)
def test_a_token_that_is_none_is_refused(lake, tmp_path, text, why):
    """An empty, a short and a missing token protect nothing."""
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text + "\n")
    with pytest.raises(ConfigError, match=why):
        run_serve({"lake": str(lake)}, Listening("127.0.0.1", 0, token_file=file))


@pytest.mark.parametrize("token", ["short-secret", "a secret token of letters 猫"])
def test_a_refused_token_is_not_told(lake, tmp_path, token):
    """An error goes to logs and screens."""
    file = tmp_path / "token"
    file.write_text(token, "utf-8")
    with pytest.raises(ConfigError, match=r"^token: the token") as caught:
        run_serve({"lake": str(lake)}, Listening("127.0.0.1", 0, token_file=file))

    assert token not in str(caught.value)


def test_it_speaks_chinese(lake, tmp_path, capsys):
    """What it says of itself, and what cannot be."""
    told = {"token_file": tmp_path / "none", "language": "zh"}
    with pytest.raises(ConfigError, match=r"^无法读取 --token-file"):
        run_serve({"lake": str(lake)}, Listening("127.0.0.1", 0, **told))
    with pytest.raises(ConfigError, match="可从其他机器访问"):
        run_serve({"lake": str(lake)}, Listening("0.0.0.0", 0, language="zh"))
    with socket.create_server(("127.0.0.1", 0)) as place:
        _announce(Listening("127.0.0.1", 0, language="zh"), place, 3)
    assert capsys.readouterr().err.startswith("快照 3：http://127.0.0.1:")


def test_it_says_in_chinese_why_nothing_was_measured():
    """The manifest has it in English; the report's words know both."""
    told = "no direction has 20 held-out queries; the most has image→fused with 6"

    assert _why(told, "en") == told
    assert _why(told, "zh").startswith("没有任何方向达到 20 个")


def test_a_taken_port_and_a_missing_lake_are_told(lake, tmp_path):
    """Before anything is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="--port"):
            run_serve({"lake": str(lake)}, Listening("127.0.0.1", port))
    with pytest.raises(NoLakeError):
        run_serve({"lake": str(tmp_path / "none")}, Listening("127.0.0.1", 0))


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("nix={here}", "no such root; it has: media"),
        ("media={here}/nowhere", "no such folder"),
        ("{here}", "--root ALIAS="),
        ("media", "--root ALIAS="),
    ],
)
def test_a_root_that_serves_nothing_is_refused(lake, tmp_path, root, why):
    """An alias that the lake does not have, a folder that is not there, a folder alone."""
    told = Listening("127.0.0.1", 0, roots=(root.format(here=tmp_path),))
    with pytest.raises(ConfigError, match=why):
        run_serve({"lake": str(lake)}, told)


def test_names_under_which_it_is_asked():
    """On this machine only its own names; elsewhere any, unless some are named."""
    here = Listening("127.0.0.1", 0, names=("search.local",))
    there = Listening("0.0.0.0", 0)

    assert {"localhost", "127.0.0.1", "search.local"} <= set(here.hosts)
    assert there.hosts == ()
    assert "search.local" in Listening("0.0.0.0", 0, names=("search.local",)).hosts


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_server_starts_answers_and_ends(lake, ending):
    """It says where it listens, answers there, and a signal ends it without a traceback."""
    command = [sys.executable, "-m", "flows.cli", "serve", "--lake", str(lake)]
    server = subprocess.Popen(
        [*command, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        told = json.loads(server.stdout.readline())
        with urllib.request.urlopen(f"{told['url']}healthz", timeout=20) as answer:
            health = json.loads(answer.read())
    finally:
        server.send_signal(ending)
        _, said = server.communicate(timeout=30)

    assert (told["snapshot"], health["snapshot"], health["status"]) == (1, 1, "ok")
    assert server.returncode == 0
    assert "Traceback" not in said


def test_an_answer_does_not_wait_for_the_clients_acknowledgement():
    """What is accepted sends at once: its head and its body are two packets."""
    listening = _listening(Listening("127.0.0.1", 0))
    with listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
