"""No telemetry: a run asks for no name of a machine, and connects to none but this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests import media

ROOT = Path(__file__).parents[2]
WATCH = """
import os, sys

HERE = ("127.", "::1", "localhost", "0.0.0.0")

def heard(event, given):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        place = given[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        place = given[1][0] if isinstance(given[1], tuple) else None  # else a socket of files
    else:
        return
    place = place.decode() if isinstance(place, bytes) else place
    with open(os.environ["HEARD"], "a") as out:
        here = place is None or str(place).startswith(HERE)
        out.write(f"{'here' if here else 'elsewhere'} {event} {place} {sys.argv[:3]}\\n")

sys.addaudithook(heard)
"""


@pytest.fixture
def watched(tmp_path):
    """An environment without any setting, in which each Python process tells where it connects."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(WATCH, "utf-8")
    unset = ("PREFECT_", "DO_NOT_TRACK", "CI", "MMINDEX_", "GITHUB_", "HTTP_", "HTTPS_")
    ours = {k: v for k, v in os.environ.items() if not k.upper().startswith(unset)}
    return ours | {
        "PYTHONPATH": os.pathsep.join([str(hooks), str(ROOT)]),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "HEARD": str(tmp_path / "heard"),
        "OMP_NUM_THREADS": "1",
    }


def run(watched, *arguments):
    """Run Python to its end; where it connected to, and how it ended."""
    ended = subprocess.run(
        [sys.executable, *arguments], env=watched, capture_output=True, text=True, check=False
    )
    heard = Path(watched["HEARD"])
    return heard.read_text("utf-8").splitlines() if heard.exists() else [], ended


def test_what_would_leave_is_heard(watched):
    """The watch itself works, in children too."""
    call = "import socket; socket.getaddrinfo('localhost', 1)"
    ask = "import socket, contextlib\nwith contextlib.suppress(OSError):\n"
    ask += " socket.getaddrinfo('sens-o-matic.invalid', 443)"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}])"

    assert [line.split()[0] for line in run(watched, "-c", call)[0]] == ["here"]
    assert [line.split()[0] for line in run(watched, "-c", nested)[0]] == ["here", "elsewhere"]


def test_the_settings_that_keep_prefect_silent_are_set(watched):
    """Before it is imported, for its server and its client."""
    told = (
        "from flows.orchestration.orchestrator import set_defaults; set_defaults()\n"
        "from prefect.settings import get_current_settings as now\n"
        "import os; print(now().server.analytics_enabled, os.environ['DO_NOT_TRACK'])"
    )

    heard, ended = run(watched, "-c", told)

    assert ended.stdout.split() == ["False", "1"]
    assert heard == []


@pytest.mark.slow
def test_nothing_of_a_run_leaves_the_machine(watched, tmp_path):
    """Flow, server, decoders and models: they talk to each other alone, as they come."""
    for number in range(4):
        colour = (40 * number, 90, 200)
        media.png(tmp_path / "media" / f"{number}.png", Image.new("RGB", (40, 30), colour))
        media.text(tmp_path / "media" / f"{number}.txt", f"picture {number}")
    lake = str(tmp_path / "lake")

    for command in (
        ["index", str(tmp_path / "media"), "--lake", lake],
        ["maintain", "--lake", lake],
        ["evaluate", "--lake", lake],
    ):
        heard, ended = run(watched, "-m", "flows.cli", *command)
        assert ended.returncode == 0, ended.stderr
    for process in (
        "flows/cli.py",
        "flows/orchestration/temporary_server.py",
    ):  # each was listened to
        assert any(line.startswith("here") and process in line for line in heard)
    assert [line for line in heard if line.startswith("elsewhere")] == []
