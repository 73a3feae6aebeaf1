"""Runs the benchmarks of RESULTS.md one after another, and keeps what each of them printed.

    python -m benchmarks --list                 # names, minutes, commands
    python -m benchmarks                        # all, at the published sizes: hours
    python -m benchmarks --small                # all, small: do they still run?
    python -m benchmarks gate search-latency    # some: a script, or one of its parts

Needs what `make data` builds; `stamps`, which indexes it, goes before those that ask for the set
where there is no lake of it yet. Files go to ``--out``, data/benchmarks: NAME.txt of each. Peers
live in environments of their own; ``--peers`` names the folder of these, and what is not there is
left out of the comparison. Exits with 1 if one failed; what a machine lacks is left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.every import CUDA, EVERY, Benchmark

ROOT = Path(__file__).parents[1]
STAMPS = ROOT / "data" / "stamps"
EACH = 4  # of so many items without a sound, one is in the small set


@dataclass(frozen=True, slots=True)
class Place:
    """Where the benchmarks of one call work."""

    out: Path
    data: Path  # the public set, or a part of it
    peers: Path | None
    small: bool

    def command(self, one: Benchmark) -> list[str]:
        """What is run for a row."""
        work = self.out / "work" / one.name
        told = one.small if self.small else one.published
        places = {"set": self.data, "work": work, "media": ROOT / "examples" / "media"}
        words = [word.format(**places) for word in shlex.split(told or "")]
        if one.peer and self.peers and not self.small:
            python = self.peers / one.peer[0] / "bin" / "python"
            words += [one.peer[1], str(python)] if python.exists() else []
        return [sys.executable, "-m", f"benchmarks.{one.script}", *words]


def chosen(names: Sequence[str], *, small: bool) -> list[Benchmark]:
    """The rows that are named, by script or by script and part; without names all."""
    known = {one.name for one in EVERY} | {one.script for one in EVERY}
    if wrong := sorted(set(names) - known):
        raise SystemExit(f"no benchmark is called {', '.join(wrong)}: see --list")
    rows = [one for one in EVERY if not names or one.name in names or one.script in names]
    return [one for one in rows if not small or one.small is not None]


def with_lake(rows: Sequence[Benchmark], place: Place) -> list[Benchmark]:
    """The rows, behind the one that indexes the set if one of them needs it and none has yet."""
    stamps = next(one for one in EVERY if one.script == "stamps")
    asking = any("{set}" in (one.small or "" if place.small else one.published) for one in rows)
    if not asking or stamps in rows or (place.data / "lake").exists():
        return list(rows)
    return [stamps, *rows]


def lacking(one: Benchmark, *, small: bool) -> list[str]:
    """What a row needs and this machine does not have."""
    missing = [need for need in one.needs if need != CUDA and not importlib.util.find_spec(need)]
    if CUDA in one.needs and not small:
        import torch

        missing += [] if torch.cuda.is_available() else ["a GPU"]
    return missing


def part_of_set(folder: Path) -> Path:
    """The items of the public set with a sound, which are few, and some others, linked to."""
    told = [json.loads(line) for line in (STAMPS / "pairs.jsonl").read_text("utf-8").splitlines()]
    kept = [
        pair for place, pair in enumerate(told) if "sound" in pair["files"] or place % EACH == 0
    ]
    for path in (path for pair in kept for path in pair["files"].values()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _linked(STAMPS / path, target)
    lines = [json.dumps(pair, ensure_ascii=False) for pair in kept]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def _linked(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk
        shutil.copy2(path, target)


def run(rows: Sequence[Benchmark], place: Place) -> Iterator[tuple[str, str, float]]:
    """Each row's name, how it ended, and after how many seconds."""
    for one in rows:
        if missing := lacking(one, small=place.small):
            yield one.name, f"left out: needs {', '.join(missing)}", 0.0
            continue
        command, written = place.command(one), place.out / f"{one.name}.txt"
        print(f"{one.name}: {shlex.join(command[1:])}", flush=True)
        (place.out / "work" / one.name).mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        with written.open("w", encoding="utf-8") as file:
            done = subprocess.run(
                command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        ended = "done" if done.returncode == 0 else f"FAILED with {done.returncode}: {written}"
        yield one.name, ended, time.perf_counter() - began


def listed() -> str:
    """All rows, with both commands."""
    lines = ["| name | minutes | published | small |", "|---|---|---|---|"]
    for one in EVERY:
        cells = [one.name, one.minutes, one.published, "–" if one.small is None else one.small]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the rows that are chosen, and say how each ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--small", action="store_true", help="so that minutes suffice")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--out", type=Path, help="default: data/benchmarks, or …/small")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments")
    given = parser.parse_args(arguments)
    if given.list:
        print(listed())
        return
    rows = chosen(given.names, small=given.small)
    if not (STAMPS / "pairs.jsonl").exists():
        raise SystemExit(f"{STAMPS} is not there: `make data` builds it")
    out = given.out or ROOT / "data" / "benchmarks" / ("small" if given.small else "")
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    data = part_of_set(out / "set") if given.small else STAMPS
    place = Place(out, data, given.peers, given.small)
    told = list(run(with_lake(rows, place), place))
    print("\n| benchmark | ended | s |\n|---|---|---|")
    for name, ended, seconds in told:
        print(f"| {name} | {ended} | {seconds:.1f} |")
    sys.exit(any("FAILED" in ended for _, ended, _ in told))


if __name__ == "__main__":
    main()
