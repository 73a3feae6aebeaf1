"""Runs of one lake beside each other, and runs that are ended: by `mmindex up`, whole."""

import signal
import time

import psutil
import pytest

from tests import media
from tests.together import await_held, by_hand, deployments, holding, locked, until_gone, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
AGAIN = {"crawl": {"hash_all": True}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with ten texts, and room for the lake."""
    place = tmp_path_factory.mktemp("beside")
    (place / "media").mkdir()
    for number in range(10):
        media.text(place / "media" / f"{number}.txt", f"House number {number} by the sea.")
    return place


@pytest.fixture(scope="module")
def server(place):
    """`mmindex up`, and a lake that was indexed once."""
    file = deployments(place / "prefect.yaml", place / "media", place / "lake", wait=300)
    with up(place / "home", file, PREFECT_WORKER_QUERY_SECONDS="2") as server:
        assert server.wait(server.fire("index-media")).name == "Completed"
        yield server


def test_another_deployment_waits_and_the_same_one_does_not(server, place):
    """It says for whom it waits, and has its turn; the second of the same one is cancelled."""
    note = place / "beside"
    first = server.fire("index-media", holding("crawl", note), **AGAIN)
    await_held(note)
    same, other = server.fire("index-media"), server.fire("by-day")
    impatient = server.fire("maintain", wait=1)

    assert server.wait(same).message == "Deployment concurrency limit reached."
    refused = server.wait(impatient)
    assert refused.name == "Failed"
    assert f"{place}/lake is being written by process" in refused.message
    server.wait(other, "RUNNING")
    deadline = time.monotonic() + 120
    while not any("waiting, 300 s" in line for line in server.logs(other)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    note.unlink()
    assert server.wait(first).name == server.wait(other).name == "Completed"
    assert server.await_slots() == {}


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_a_run_that_is_cancelled_leaves_nothing_behind(server, place, engine):
    """No process, no slot, no lock; the state says who ended it, and the next run goes on."""
    note, lake = place / f"embed-{engine}", place / engine
    told = {"lake": str(lake), "engine": engine, "workers": 2}
    run = server.fire("index-media", holding("embed", note, 2), **told)
    await_held(note)
    processes = server.processes(run)
    server.cancel(run)

    assert server.wait(run).name == "Cancelled"
    assert until_gone(processes) == []
    assert not locked(lake)
    assert server.await_slots() == {}
    assert server.wait(server.fire("index-media", **told)).name == "Completed"


def test_a_run_that_is_killed_keeps_no_slot(server, place):
    """The worker tells that it crashed."""
    note = place / "killed"
    run = server.fire("index-media", holding("crawl", note), **AGAIN)
    await_held(note)
    for one in server.processes(run):
        one.kill()

    assert server.wait(run).name == "Crashed"
    assert server.await_slots() == {}
    assert server.wait(server.fire("index-media")).name == "Completed"


def test_a_run_that_cannot_start_is_cancelled(server):
    """By `mmindex-late`: here ten seconds after it was late, and not an hour."""
    server.shorten("mmindex-late", 10)
    server.pause("mmindex", True)
    try:
        late = server.wait(server.fire("maintain"))
        assert late.name == "Cancelled"
        assert late.message.startswith("It had not started")
    finally:
        server.pause("mmindex", False)


def test_a_run_that_nobody_hears_of_is_crashed(server, place):
    """By `mmindex-lost`: its process is gone, and the worker, which is stopped, tells nobody."""
    server.shorten("mmindex-lost", 45)
    note = place / "lost"
    run = server.fire("index-media", holding("crawl", note), **AGAIN)
    await_held(note)
    worker = server.worker()
    worker.suspend()
    try:
        for one in server.processes(run):
            one.kill()
        lost = server.wait(run)
    finally:
        worker.resume()
        server.shorten("mmindex-lost", 90)

    assert lost.name == "Crashed"
    assert lost.message.startswith("No heartbeat for")


def test_a_run_that_takes_too_long_is_cancelled(server, place):
    """By `mmindex-too-long`: here after twenty seconds, and not 23 hours."""
    server.shorten("mmindex-too-long", 20)
    try:
        run = server.fire("index-media", holding("crawl", place / "long"), **AGAIN)
        assert server.wait(run).name == "Cancelled"
        assert any("longer than 23 hours" in said for _, said in server.states(run))
    finally:
        server.shorten("mmindex-too-long", 82_800)
    assert server.await_slots() == {}


@pytest.mark.parametrize(
    ("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_command_that_is_ended_says_so_and_the_next_goes_on(server, place, kind, code):
    """In a line, without a traceback; neither its lock nor its processes stay."""
    note, lake = place / f"hand-{kind.name}", place / kind.name
    index = ("index", f"m={place}/media", "--lake", str(lake))
    hand = by_hand(server, *index, **holding("embed", note, 2))
    await_held(note)
    below = psutil.Process(hand.pid).children(recursive=True)
    hand.send_signal(kind)
    said = hand.communicate(timeout=120)[1]

    assert hand.returncode == code
    assert said.splitlines()[-1].startswith("mmindex: interrupted; what is finished is kept")
    assert "Traceback" not in said
    assert until_gone(below) == []
    assert not locked(lake)
    again = by_hand(server, *index)
    again.communicate(timeout=300)
    assert again.returncode == 0
