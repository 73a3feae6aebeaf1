"""Runs of one lake at once, and runs that are ended, by `mmindex up` with real processes.

    python -m benchmarks.together --media DIR --json together.json
    python -m benchmarks.together --media DIR --only cancel

A server, a worker and the deployments of `prefect.yaml`, and a second one of `index-media`. Runs
hold at a place (``tests/held.py``) so that a second one, a cancel, a signal or an automation finds
them there. A row tells in which state a run ended, after how many seconds its process was gone and
the state was told, and what was left of it: processes, slots, the lock. Automations have shortened
times. Seconds are those of a machine that may have other work.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.machine import describe
from tests.together import (
    LONGEST,
    Seen,
    Server,
    await_held,
    by_hand,
    deployments,
    holding,
    lives,
    locked,
    until_gone,
    up,
)

WAIT: Final = 20
AGAIN: Final[dict[str, Any]] = {"crawl": {"hash_all": True}}
"""Lets a run of an unchanged lake look at every file."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a run."""

    case: str
    state: str
    said: str
    seconds: float
    gone: float | None = None  # after which its process was
    left: str = ""  # of processes, slots, the lock

    def line(self) -> str:
        """A row of the table."""
        gone = "" if self.gone is None else f"{self.gone:.1f}"
        said = " ".join(self.said.split())[:240]
        cells = (self.case, self.state, f"{self.seconds:.1f}", gone, self.left or "-", said)
        return "| " + " | ".join(cells) + " |"


class Bench:
    """One `mmindex up`, its lake, and the rows so far."""

    def __init__(self, server: Server, work: Path, media: Path) -> None:
        self.server, self.work, self.media = server, work, media
        self.lake = work / "lake"
        self.rows: list[Row] = []
        self._notes = 0

    def note(self) -> Path:
        """A new note for a run that holds."""
        self._notes += 1
        return self.work / f"note-{self._notes}"

    def tell(self, row: Row) -> None:
        """Keep a row, and show it."""
        self.rows.append(row)
        print(row.line(), flush=True)

    def held(
        self, place: str, name: str = "index-media", seconds: float = LONGEST, **config: Any
    ) -> tuple[str, Path]:
        """A run that holds at a place: its id, and the note that lets it go on."""
        note = self.note()
        run = self.server.fire(name, holding(place, note, seconds), **config)
        await_held(note)
        return run, note

    def until_it_waits(self, run: str) -> None:
        """Wait until a run's log says for whom it waits."""
        deadline = time.monotonic() + LONGEST
        while not any("waiting, " in line for line in self.server.logs(run)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{run} waits for nobody: {self.server.seen(run)}")
            time.sleep(0.5)

    def went(self, run: str) -> str:
        """The states of a run in order, with what they say."""
        states = self.server.states(run)
        return " → ".join(f"{name} ({said})" if said else name for name, said in states)

    def left(self, processes: list[psutil.Process]) -> str:
        """What is still there of a run that ended, soon after."""
        time.sleep(1)
        there = [str(one.pid) for one in processes if lives(one)]
        told = [f"processes {' '.join(there)}"] if there else []
        if slots := self.server.await_slots():
            told.append(f"slots {slots}")
        if locked(self.lake):
            told.append("lock")
        return ", ".join(told)

    def ended(self, case: str, run: str, how: Callable[[], object]) -> Seen:
        """End a run, and tell when its process was gone and what its state is."""
        processes = self.server.processes(run)
        began = time.monotonic()
        how()
        until_gone(processes)
        gone = time.monotonic() - began
        state = self.server.wait(run)
        took = time.monotonic() - began
        self.tell(Row(case, state.name, state.message, took, gone, self.left(processes)))
        return state


def together(bench: Bench) -> None:
    """A run is under way: what becomes of every other one, and of one by hand."""
    server = bench.server
    run, note = bench.held("crawl", **AGAIN)
    second = server.fire("index-media")
    names = ("by-day", "maintain", "train-fusion", "evaluate-retrieval")
    others = {name: server.fire(name) for name in names}
    index = ("index", f"m={bench.media}", "--lake", str(bench.lake), "--hash-all")
    for case, wait in (("by hand", "0"), ("by hand, --wait 2", "2")):
        began = time.monotonic()
        hand = by_hand(server, *index, "--wait", wait)
        said = hand.communicate(timeout=LONGEST)[1].splitlines()
        bench.tell(Row(case, f"exit {hand.returncode}", said[-1], time.monotonic() - began))
    seen = server.wait(second)
    bench.tell(Row("index-media twice", seen.name, seen.message, seen.seconds))
    for name, one in others.items():
        seen = server.wait(one)
        bench.tell(Row(f"{name}, wait {WAIT}", seen.name, seen.message, seen.seconds))
    note.unlink()
    seen = server.wait(run)
    bench.tell(Row("the first", seen.name, seen.message, seen.seconds, left=bench.left([])))


def turns(bench: Bench) -> None:
    """The others wait long enough: each has its turn."""
    server = bench.server
    run, note = bench.held("crawl", **AGAIN)
    names = ("by-day", "maintain", "train-fusion", "evaluate-retrieval")
    others = {name: server.fire(name, wait=LONGEST) for name in names}
    for one in others.values():
        bench.until_it_waits(one)
    note.unlink()
    server.wait(run)
    for name, one in others.items():
        seen = server.wait(one)
        bench.tell(Row(f"{name}, its turn", seen.name, bench.went(one), seen.seconds))
    bench.tell(Row("afterwards", "", "", 0, left=bench.left([])))


def cancel(bench: Bench) -> None:
    """A run is cancelled where it holds; the next one goes on."""
    server, fresh = bench.server, {"lake": str(bench.work / "fresh")}
    places: list[tuple[str, str, float, dict[str, Any]]] = [
        ("crawl", "crawl", LONGEST, AGAIN),
        ("embed, threads, shards of 3 s", "embed", 3, fresh),
        ("embed, threads, shards of 90 s", "embed", 90, fresh),
        ("embed, processes", "embed", 3, {**fresh, "engine": "processes", "workers": 2}),
        ("index, in FAISS", "index", 90, fresh),
    ]
    for case, place, seconds, config in places:
        run, note = bench.held(place, seconds=seconds, **config)
        bench.ended(f"cancel in {case}", run, lambda run=run: server.cancel(run))
        note.unlink(missing_ok=True)
    after = server.fire("index-media", **fresh)
    seen = server.wait(after)
    kept = next((line for line in server.logs(after) if "plan: done" in line), "")
    bench.tell(Row("the next run", seen.name, f"{bench.went(after)}; {kept}", seen.seconds))
    run, note = bench.held("crawl", "by-day", **AGAIN)
    waits, came = bench.held("lock", wait=LONGEST, **AGAIN)
    time.sleep(3)
    processes = server.processes(waits)
    began = time.monotonic()
    server.cancel(waits)
    until_gone(processes)
    gone = time.monotonic() - began
    seen = server.wait(waits)
    took = time.monotonic() - began
    said = next((line for line in server.logs(waits) if "waiting" in line), "")
    bench.tell(Row("cancel while it waits", seen.name, said, took, gone))
    note.unlink()
    came.unlink()
    seen = server.wait(run)
    bench.tell(Row("whom it waited for", seen.name, "", seen.seconds, left=bench.left([])))


def kill(bench: Bench) -> None:
    """The process of a run, or the worker with it, is killed."""
    server = bench.server
    run, note = bench.held("crawl", **AGAIN)
    bench.ended("kill -9 of a run", run, lambda: [p.kill() for p in server.processes(run)])
    note.unlink()
    run, note = bench.held("crawl", **AGAIN)
    bench.ended("kill -9 of the worker", run, server.worker().kill)
    note.unlink()
    seen = server.wait(server.fire("index-media"))
    bench.tell(Row("the next run", seen.name, seen.message, seen.seconds))


def automations(bench: Bench) -> None:
    """Those of `deploy/automations.yaml`, with other times."""
    server = bench.server
    server.shorten("mmindex-late", 10)
    server.pause("mmindex", True)
    began = time.monotonic()
    seen = server.wait(server.fire("maintain"))
    bench.tell(Row("mmindex-late, 10 s", seen.name, seen.message, time.monotonic() - began))
    server.pause("mmindex", False)
    server.shorten("mmindex-lost", 45)
    run, note = bench.held("crawl", **AGAIN)
    worker = server.worker()
    worker.suspend()  # it tells nobody
    try:
        bench.ended("mmindex-lost, 45 s", run, lambda: [p.kill() for p in server.processes(run)])
    finally:
        worker.resume()
    note.unlink()
    server.shorten("mmindex-lost", 90)
    server.shorten("mmindex-too-long", 20)  # from the start of a run on
    run, note = bench.held("crawl", **AGAIN)
    bench.ended("mmindex-too-long, 20 s", run, lambda: None)
    note.unlink()
    server.shorten("mmindex-too-long", 82_800)


def signals(bench: Bench) -> None:
    """A bare `mmindex index` gets SIGTERM, or Ctrl-C; what is left of it, and the next run."""
    for name, number in (("SIGTERM", signal.SIGTERM), ("Ctrl-C", signal.SIGINT)):
        lake, note = bench.work / f"hand-{name}", bench.note()
        index = ("index", f"m={bench.media}", "--lake", str(lake))
        hand = by_hand(bench.server, *index, **holding("embed", note, 2))
        await_held(note)
        time.sleep(4)  # a shard is finished
        below = psutil.Process(hand.pid).children(recursive=True)
        began = time.monotonic()
        hand.send_signal(number)
        said = hand.communicate(timeout=LONGEST)[1]
        took = time.monotonic() - began
        left = [str(one) for one in until_gone(below, 10)]
        left += ["lock"] if locked(lake) else []
        left += ["traceback"] if "Traceback" in said else []
        kept = sorted((lake / "embeddings").rglob("*.parquet"))
        state, line = f"exit {hand.returncode}", said.splitlines()[-1]
        bench.tell(Row(f"{name} of a bare index", state, line, took, took, ", ".join(left)))
        began = time.monotonic()
        again = by_hand(bench.server, *index)
        again.communicate(timeout=LONGEST)
        stayed = f"{sum(one.exists() for one in kept)} of {len(kept)} finished shards stay"
        took = time.monotonic() - began
        bench.tell(Row("the next one", f"exit {again.returncode}", stayed, took))


CASES: Final = {
    case.__name__: case for case in (together, turns, cancel, kill, automations, signals)
}


def measure(media: Path, only: list[str], work: Path) -> list[Row]:
    """The rows of the cases."""
    file = deployments(work / "prefect.yaml", media, work / "lake", wait=WAIT)
    with up(work / "home", file, PREFECT_WORKER_QUERY_SECONDS="2") as server:
        bench = Bench(server, work, media)
        print("| case | state | s | gone after s | left | said |\n|---|---|---|---|---|---|")
        seen = server.wait(server.fire("index-media"))
        bench.tell(Row("a lake is made", seen.name, seen.message, seen.seconds))
        for name in only:
            CASES[name](bench)
        return bench.rows


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.media.absolute(), options.only, Path(folder))
    if options.json:
        told = {"machine": describe(), "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
