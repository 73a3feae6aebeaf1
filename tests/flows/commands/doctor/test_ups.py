"""How the server of `mmindex up` is found: by its process."""

import threading

import psutil
import pytest

from flows.commands.doctor import ups
from flows.commands.up import command, home
from flows.commands.up.children import environment_of
from flows.commands.up.command import Up, Wanted


def test_the_command_of_a_server_tells_its_address(monkeypatch, tmp_path):
    """As `mmindex up` starts it: what it is changed to, this has to follow."""
    started = []

    class Child:
        def __init__(self, _, arguments, *__):
            started.append(["python", "-P", "-m", "flows.commands.up.child", *arguments])

        def start(self):
            pass

    monkeypatch.setattr(command, "Child", Child)
    monkeypatch.setattr(Up, "await_answer", lambda *_: None)
    told = {"deployments": [{"work_pool": {"name": "mmindex"}}]}
    up = Up(Wanted(port=0), told, tmp_path, threading.Event())

    url = up.start_server()

    assert [ups.url_of(one) for one in started] == [url]


def test_other_processes_are_no_servers():
    """A worker of `mmindex up`, a server of somebody else, nothing at all."""
    worker = [
        "python",
        "-m",
        "flows.commands.up.child",
        "prefect",
        "worker",
        "start",
        "--pool",
        "p",
    ]
    other = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", "4200"]

    assert [ups.url_of(one) for one in (worker, other, [], ["flows.commands.up.child"])] == [
        None
    ] * 4


class Process:
    """What psutil shows of a server of `mmindex up`."""

    def __init__(self, user, port, home=None):
        words = ["python", "-m", "flows.commands.up.child", "prefect", "server", "start"]
        self.info = {"username": user, "cmdline": [*words, "--host", "127.0.0.1", "--port", port]}
        self._home = home

    def environ(self):
        """Its variables, as long as it runs."""
        if self._home is None:
            raise psutil.NoSuchProcess(1)
        return {"PREFECT_HOME": str(self._home)}


@pytest.mark.parametrize("named", [True, False])
def test_only_that_of_the_same_user_and_folder_is_found(monkeypatch, tmp_path, named):
    """Of a server of another user, or with another $PREFECT_HOME, nothing is asked."""
    me, folder = psutil.Process().username(), tmp_path / "mmindex" / "prefect"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    if named:
        monkeypatch.setenv("PREFECT_HOME", str(folder))
    gone = Process(me, "4500")
    gone.info["cmdline"] = None  # it ends in this moment
    processes = [
        Process(me, "4200", folder),
        Process(f"{me}2", "4300", folder),
        Process(me, "4400", tmp_path / "other"),
        Process(me, "4600"),
        gone,
    ]
    monkeypatch.setattr(ups.psutil, "process_iter", lambda _: processes)

    assert ups.urls() == ["http://127.0.0.1:4200/api"]


def test_the_environment_of_a_server_tells_its_folder(monkeypatch, tmp_path):
    """As `mmindex up` gives it to its processes, whether somebody named it or not."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", "")

    made = home.home_of()

    assert made == tmp_path / "mmindex" / "prefect"
    assert home.named_by(environment_of()) == made
    assert made.is_dir()
