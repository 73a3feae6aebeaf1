"""Searching: how long it takes, how much it bears, how much words add, and what a night does.

    make data bench && python -m benchmarks.search FOLDER [latency load hybrid follow]

``make bench`` leaves the lake of the public set that all lakes here are made like (``--like``); no
model looks at a file again. ``latency`` and ``load`` search one of ``--items`` items, which is
made in FOLDER where it is not there (some minutes). A server runs in a process of its own, its
clients in another one, both on this machine. Each part prints a table and writes
``search-PART.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate import commit, table
from benchmarks.gate_lake import REPOSITORY, Row, env
from benchmarks.machine import describe
from benchmarks.measured import in_process
from benchmarks.search_clients import STEPS
from benchmarks.search_hybrid import hybrid, pairs_of
from benchmarks.search_lake import Made, grown, projection_of, published, vocabulary
from mmcore.media.texts.language import detect_language
from mmcore.search.asking.queries import Asker
from mmcore.specs import LimitsSpec, RuntimeSpec
from storage.layout import Layout
from storage.schemas import MmindexError, Modality
from storage.snapshot import Snapshot

CLIENTS = "benchmarks.search_clients"
GOAL_MS = {"p50": 25.0, "p95": 60.0}
TIMES = 5.0  # one client's rate, or what the encoder alone bears
WARM = 40  # queries before the clock starts
QUERIES = 400  # of each kind
DIFFERENT = 800  # of each kind, where many are asked
TOGETHER = 32  # texts, for what the encoder alone bears
ENCODING = 15.0  # seconds that it is measured for
SERIAL = 20.0  # seconds of one client, before and after many
FOLLOWED = 400  # items of the lake that is published again and again
EVERY = 3.0  # seconds between two publications


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies, and what was asked for."""

    folder: Path
    given: argparse.Namespace

    def base(self) -> Snapshot:
        """The lake of the public set."""
        return Snapshot.open(Layout(self.given.like.resolve()))

    def large(self) -> Path:
        """The lake of many items; made where it is not there."""
        lake = self.folder / f"lake-{self.given.items}"
        if not (lake / "CURRENT").exists():
            base = self.base()
            made = Made.of(base)
            made = grown(made, self.given.items, vocabulary(made))
            published(Layout(lake), made, base, projection_of(base))
        return lake

    def queries(self, name: str, texts: Sequence[str]) -> Path:
        """Texts to ask, in a file for the clients."""
        path = self.folder / f"queries-{name}.json"
        path.write_text(json.dumps([*map(str, texts)], ensure_ascii=False), encoding="utf-8")
        return path


def texts_of(base: Snapshot, most: int = QUERIES + WARM) -> dict[str, list[str]]:
    """What is asked, by kind: whole captions of the set, and names; no text comes twice.

    At most ``most`` of each kind.
    """
    rows = base.rows(f"segments/{Modality.TEXT}", ["language", "text"])
    captions = zip(rows["language"].to_pylist(), rows["text"].to_pylist(), strict=True)
    found: dict[str, dict[str, None]] = {"en caption": {}, "zh caption": {}, "name": {}}
    for language, text in captions:
        kind = f"{language} caption"
        if text and kind in found:
            found[kind][text] = None
    for key in base.rows("items", ["key"])["key"].to_pylist():
        found["name"][key.rpartition("/")[2].replace("_", " ")] = None
    rng = np.random.default_rng(7)
    return {
        kind: [str(text) for text in rng.permutation(sorted(texts))[:most]]
        for kind, texts in found.items()
    }


@contextmanager
def serving(lake: Path) -> Iterator[str]:
    """The address of a server of a lake, which has loaded what it needs."""
    command = [sys.executable, "-m", "flows.cli", "serve", "--lake", str(lake), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--json"], cwd=REPOSITORY, env=env(), stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise SystemExit(f"the server of {lake} did not start")
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        process.wait(60)


def latency(place: Place) -> Iterator[Row]:
    """One client, one query after the other."""
    kinds = texts_of(place.base())
    with serving(place.large()) as url:
        for kind, texts in kinds.items():
            warm = place.queries("warm", texts[:WARM])
            in_process(CLIENTS, url, warm, "--once")
            asked = place.queries(kind.replace(" ", "-"), texts[WARM:])
            told = in_process(CLIENTS, url, asked, "--once")
            yield {"queries": kind, "what": "over HTTP", **spread(told["seconds"])}
            for step in STEPS:
                yield {"queries": kind, "what": step, **spread(told["steps"][step])}
            if told["errors"]:
                yield {"queries": kind, "what": "errors", "n": sum(told["errors"].values())}


def spread(seconds: Sequence[float]) -> Row:
    """Milliseconds."""
    found = np.percentile(1000 * np.array(seconds), [50, 95, 99]).round(2).tolist()
    return {"n": len(seconds), **dict(zip(("p50", "p95", "p99"), found, strict=True))}


def load(place: Place) -> Iterator[Row]:
    """Many clients, beside one alone and beside the encoder alone.

    No text is asked twice before all were: a server keeps the vectors of the last ones.
    """
    given, base = place.given, place.base()
    texts = [text for some in texts_of(base, DIFFERENT).values() for text in some]
    texts = [str(text) for text in np.random.default_rng(8).permutation(texts)]
    alone = {together: encoded_a_second(base, texts, together) for together in (1, TOGETHER)}
    for together, rate in alone.items():
        yield {"clients": "", "what": f"encoder alone, {together} at once", "per second": rate}
    turns = [place.queries(f"load-{n}", np.roll(texts, -n * len(texts) // 3)) for n in range(3)]
    with serving(place.large()) as url:
        in_process(CLIENTS, url, place.queries("warm", texts[-WARM:]), "--once")
        serial = asking(url, turns[0], 1, min(SERIAL, given.seconds))
        yield serial
        many = asking(url, turns[1], given.clients, given.seconds)
        goal = min(TIMES * serial["per second"], max(alone.values()))
        yield {**many, "goal": round(goal, 1), "of goal": many["per second"] / goal}
        yield asking(url, turns[2], 1, min(SERIAL, given.seconds))


def asking(url: str, asked: Path, clients: int, seconds: float) -> Row:
    """What so many clients get."""
    told = in_process(CLIENTS, url, asked, "--clients", clients, "--seconds", seconds)
    return {
        "clients": clients,
        "what": "over HTTP",
        "per second": round(len(told["seconds"]) / told["wall_s"], 1),
        "errors": sum(told["errors"].values()),
        **spread(told["seconds"]),
    }


def encoded_a_second(base: Snapshot, texts: Sequence[str], together: int) -> float:
    """Texts that the lake's own encoder turns into queries, with nothing beside it."""
    asker = Asker.of(base, LimitsSpec(), RuntimeSpec())
    cut = [asker.cut(text) for text in texts]
    languages = [detect_language(text) for text in texts]
    asker.texts(cut[:together], languages[:together])
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < ENCODING:
        places = [(done + number) % len(cut) for number in range(together)]
        asker.texts([cut[p] for p in places], [languages[p] for p in places])
        done += together
    return round(done / spent, 1)


def of_set(place: Place) -> Iterator[Row]:
    """Vectors, words and both."""
    yield from hybrid(place.folder, place.given.like, pairs_of(place.given.media))


def follow(place: Place) -> Iterator[Row]:
    """Snapshots that are published while clients search; every key names its snapshot."""
    base = place.base()
    few = base.rows("items", ["item_id"])["item_id"].to_pylist()[:FOLLOWED]
    made = Made.of(base).kept(frozenset(few))
    lake = place.folder / f"follow-{time.time_ns()}"
    publication = Publication(Layout(lake), made, base)
    publication.next()
    asked = place.queries("follow", [text for some in texts_of(base).values() for text in some])
    ended = threading.Event()
    thread = threading.Thread(target=publication.until, args=(ended,))
    with serving(lake) as url:
        in_process(CLIENTS, url, place.queries("warm", ["a", "b"]), "--once")
        thread.start()
        try:
            given = ("--clients", 8, "--seconds", place.given.seconds, "--versioned")
            told = in_process(CLIENTS, url, asked, *given)
        finally:
            ended.set()
            thread.join()
    yield {
        "clients": 8,
        "answers": len(told["seconds"]),
        "published": publication.count,
        "seen": len(told["snapshots"]),
        "errors": sum(told["errors"].values()),
        "mixed": told["mixed"],
        "went back": told["back"],
        **spread(told["seconds"]),
        "most": round(1000 * max(told["seconds"]), 1),
        "publisher": publication.error,
    }


class Publication:
    """Publishes the same items as one snapshot after another, whose number ends all keys.

    Ids of items and segments stay, so that a row of another snapshot would be found, and seen.
    """

    def __init__(self, layout: Layout, made: Made, like: Snapshot) -> None:
        self._layout, self._made, self._like = layout, made, like
        self._keys = made.items["key"].to_pylist()
        self._projection = projection_of(like)
        self.count, self.error = 0, ""

    def next(self) -> None:
        """The next one."""
        number = self.count + 1
        made = self._made.renamed([f"{key}@{number}" for key in self._keys])
        done = published(self._layout, made, self._like, self._projection)
        if done.manifest.number != number:
            raise SystemExit(f"snapshot {done.manifest.number} was published, not {number}")
        self.count = number

    def until(self, ended: threading.Event) -> None:
        """One after the other; what goes wrong is kept for the table."""
        try:
            while not ended.wait(EVERY):
                self.next()
        except (OSError, ValueError, MmindexError) as error:
            self.error = f"{type(error).__name__}: {error}"


PARTS: Mapping[str, Callable[[Place], Iterator[Row]]] = {
    "latency": latency,
    "load": load,
    "hybrid": of_set,
    "follow": follow,
}


def main() -> None:
    """Run the parts one after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--media", type=Path, default=Path("data/stamps"), help="the public set")
    parser.add_argument("--like", type=Path, default=Path("data/stamps/lake"), help="its lake")
    parser.add_argument("--items", type=int, default=100_000, help="of the large lake")
    parser.add_argument("--clients", type=int, default=32, help="of load")
    parser.add_argument("--seconds", type=float, default=60, help="of load and follow")
    given = parser.parse_args()
    place = Place(given.folder.resolve(), given)
    place.folder.mkdir(parents=True, exist_ok=True)
    for part in given.parts:
        told, began = f"{part}: {commit()}, {describe()}", time.perf_counter()
        print(told, flush=True)
        rows = []
        for row in PARTS[part](place):
            rows.append(row)
            print("  " + json.dumps(row, ensure_ascii=False), flush=True)
        print(table(rows))
        seconds = round(time.perf_counter() - began, 1)
        print(f"{part} took {seconds} s\n", flush=True)
        written: dict[str, Any] = {"measured on": told, "seconds": seconds, "rows": rows}
        target = place.folder / f"search-{part}.json"
        target.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
