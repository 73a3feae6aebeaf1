"""How the server of `mmindex up` is found: by its process."""

import threading

import psutil

from flows.commands.doctor import ups
from flows.commands.up import command
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


def test_only_ones_own_are_found(monkeypatch):
    """A server of another user may want what one has not."""
    me = psutil.Process().username()
    command_line = ["python", "-m", "flows.commands.up.child", "prefect", "server", "start"]
    processes = [
        {"username": user, "cmdline": [*command_line, "--host", "127.0.0.1", "--port", port]}
        for user, port in ((me, "4200"), (f"{me}2", "4300"))
    ]
    processes.append({"username": me, "cmdline": None})  # one that ends in this moment
    shown = [type("Process", (), {"info": one}) for one in processes]
    monkeypatch.setattr(ups.psutil, "process_iter", lambda _: shown)

    assert ups.urls() == ["http://127.0.0.1:4200/api"]
