"""A watch and its runs as processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.commands.watch.run import Run
from storage.layout import Layout
from storage.locks import writer_lock
from tests import media
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake, with its preset installed for other processes too."""
    root = tmp_path_factory.mktemp("watched")
    make_lake(root, coloured_items(["red"]), towers())
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        paths = os.pathsep.join(path for path in sys.path if path)
        patch.setenv("PYTHONPATH", paths)
        patch.setenv("OMP_NUM_THREADS", "1")
        yield root / "lake"


def test_a_run_is_a_process_whose_result_and_words_are_kept(lake):
    """Its standard output is its result; its standard error is told at its end."""
    run = Run(["status", "--lake", str(lake), "--json"], loud=False)
    while run.running():
        time.sleep(0.05)
    code, result, said = run.ended()

    assert (code, result["snapshot"], said) == (0, 1, [])


def test_a_run_that_fails_says_why(tmp_path):
    """By the same code and line as the command."""
    run = Run(["status", "--lake", str(tmp_path / "none")], loud=False)
    code, result, said = run.ended()

    assert code == 2
    assert result == {}
    assert said[-1].startswith("mmindex: ")


@pytest.mark.slow
def test_a_new_file_is_found_while_it_watches_and_a_signal_ends_it(lake, tmp_path):
    """By real runs: one at the start, one for a picture that comes; then SIGINT."""
    folder, new = tmp_path / "media", tmp_path / "new"
    media.png(folder / "red.png", media.picture(left=media.RED, right=media.RED))
    command = [sys.executable, "-m", "flows.cli", "watch", f"m={folder}", "--lake", str(new)]
    more = ["--preset", "colours", "--settle", "1", "--json", "--set", "runtime.isolate=false"]
    watch = subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        first = _next_run(watch)
        media.png(folder / "blue.png", media.picture(left=media.BLUE, right=media.BLUE))
        second = _next_run(watch)
    finally:
        watch.send_signal(signal.SIGINT)
        out, _ = watch.communicate(timeout=60)

    assert (first["result"]["snapshot"], second["result"]["snapshot"]) == (1, 2)
    assert second["result"]["items_added"] == 1
    assert (watch.returncode, json.loads(out.splitlines()[-1])["event"]) == (0, "ended")


def _next_run(watch):
    for line in watch.stdout:
        told = json.loads(line)
        if told["event"] == "run":
            assert told["code"] == 0
            return told
    raise AssertionError("it ended")


ABANDONED = """
import os, sys, time
from flows.commands.watch.run import Run
run = Run(sys.argv[1:], loud=False)
time.sleep(8)
print(run._process.pid if run.running() else 0, flush=True)
os._exit(9)  # as a killed watch: it closes nothing, the system does
"""


@pytest.mark.slow
def test_a_run_ends_when_its_watch_was_killed(lake, tmp_path):
    """By itself: nobody is there to end it."""
    media.png(tmp_path / "media" / "red.png")
    arguments = ["index", f"m={tmp_path / 'media'}", "--lake", str(lake), "--wait", "600"]
    command = [sys.executable, "-c", ABANDONED, *arguments, "--preset", "colours"]
    with writer_lock(Layout(Path(lake)), 0):
        killed = subprocess.run(
            [*command, "--drop", "media"], stdout=subprocess.PIPE, text=True, check=False
        )
        pid, deadline = int(killed.stdout), time.monotonic() + 60
        assert pid, "it was not waiting"
        while psutil.pid_exists(pid) and time.monotonic() < deadline:
            time.sleep(0.1)

    assert killed.returncode == 9
    assert not psutil.pid_exists(pid)


@pytest.mark.slow
def test_a_run_ends_with_its_watch(lake, tmp_path):
    """Interrupted as by Ctrl-C, it lets go of what it waits for."""
    media.png(tmp_path / "media" / "red.png")
    arguments = ["index", f"m={tmp_path / 'media'}", "--lake", str(lake), "--wait", "600"]
    with writer_lock(Layout(Path(lake)), 0):
        run = Run([*arguments, "--preset", "colours", "--drop", "media"], loud=False)
        time.sleep(8)
        assert run.running(), "it was not waiting"
        run.interrupt()
        deadline = time.monotonic() + 60
        while run.running() and time.monotonic() < deadline:
            time.sleep(0.1)
        code, _, said = run.ended()

    assert code == 130, said
