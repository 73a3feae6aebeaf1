"""The gate on the public set: faults it has to stop, and nights on which it has to keep still.

    make data && python -m benchmarks.gate FOLDER [metrics plants aa power scale killed]

FOLDER gets a lake of the set with half of the captions held out, made where it is not there, and
all copies. Each part prints a table and writes ``gate-PART.json`` there. ``--media``
names what `benchmarks/build_stamps.py` made with ``--names opaque``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate_aa import label_swaps, rebuilt_indexes, two_projections
from benchmarks.gate_lake import (
    REPOSITORY,
    Place,
    Row,
    changed,
    command,
    env,
    index,
    lake,
    mmindex,
)
from benchmarks.gate_metrics import metrics
from benchmarks.gate_plants import CAUGHT, PLANTS
from benchmarks.gate_power import DROPS, power
from benchmarks.gate_scale import ITEMS, QUERIES, scale
from benchmarks.gate_set import asked_of
from benchmarks.machine import describe
from mmcore.evaluation.reporting.words import named
from mmcore.evaluation.scores import GateVerdict
from storage.candidates import BLOCKED
from storage.layout import Layout
from storage.published import current

TESTED = ("worse", "recall")  # findings of the significance test; all others need none


def equal(place: Place) -> Iterator[Row]:
    """The measures of the lake's report, by other tools."""
    lake(place)
    yield from metrics(place.lake)


def plants(place: Place) -> Iterator[Row]:
    """Each plant in a copy of the lake: what the run says, and which guards found it."""
    lake(place)
    media = changed(place)
    for name in place.given.plants or PLANTS:
        copied = place.copy("planted")
        done = index(place, media, copied, plant=name)
        yield {"planted": name, **_told(copied, done), "else": CAUGHT.get(name, "")}


def _told(lake: Path, done: subprocess.CompletedProcess[str]) -> Row:
    layout = Layout(lake.resolve())
    verdict = _verdict(layout)
    error = (done.stderr.strip().splitlines() or [""])[-1]
    row: Row = {"exit": done.returncode, "serves": current(layout)}
    if verdict is None:
        return {**row, "verdict": "", "first": error[:160]}
    blocks = [finding for finding in verdict.findings if finding.action == "block"]
    first = blocks[0] if blocks else None
    directions = list(dict.fromkeys(name for one in blocks for name in one.directions))
    return {
        **row,
        "verdict": verdict.status,
        "first": "" if first is None else f"{first.kind} {first.subject} {first.measure}".strip(),
        "from": None if first is None else first.before,
        "to": None if first is None else first.after,
        "directions": directions,
        "test alone": sum(finding.kind in TESTED for finding in blocks),
        "other guards": dict(Counter(f.kind for f in blocks if f.kind not in TESTED)),
        "error names one": any(named(name).en in error for name in directions),
    }


def _verdict(layout: Layout) -> GateVerdict | None:
    """Of the candidate that was blocked, else of the snapshot that was published."""
    for mark in sorted(layout.candidates.glob(f"*/{BLOCKED}"), reverse=True):
        told = json.loads(mark.read_text("utf-8")).get("verdict")
        return None if told is None else GateVerdict.model_validate(told)
    report = layout.report(str(current(layout))) / "report.json"
    told = json.loads(report.read_text("utf-8")).get("verdict")
    return None if told is None else GateVerdict.model_validate(told)


def aa(place: Place) -> Iterator[Row]:
    """Comparisons of what is equally good."""
    lake(place)
    asked = [one for one in asked_of(place.lake) if not one.name.endswith("fused")]
    yield rebuilt_indexes(asked, place.given.draws or 200)
    one, other = two_projections(place.lake)
    yield label_swaps(one, other, place.given.swaps)


def drops(place: Place) -> Iterator[Row]:
    """Planted drops, and how often they are caught."""
    lake(place)
    given = place.given
    yield from power(
        asked_of(place.lake),
        given.direction,
        draws=given.draws or 500,
        queries=given.queries or 1000,
        drops=DROPS,
    )


def sizes(place: Place) -> Iterator[Row]:
    """Beside faiss alone."""
    given = place.given
    yield from scale(
        place.folder,
        queries=given.queries or QUERIES,
        items=given.items,
        threads=tuple(given.threads),
    )


def killed(place: Place) -> Iterator[Row]:
    """`mmindex evaluate`, killed at any moment, then run again: the same figures?"""
    lake(place)
    copied = place.copy("killed")
    again = index(place, changed(place), copied)  # so that there is something to compare with
    if again.returncode:
        raise SystemExit(f"no second snapshot: {again.stderr[-500:]}")
    options = ("evaluate", "--lake", copied, "--json")
    began = time.perf_counter()
    whole = mmindex(*options)
    took = time.perf_counter() - began
    if whole.returncode:
        raise SystemExit(
            f"`mmindex evaluate` ended with {whole.returncode}: {whole.stderr[-500:]}"
        )
    due = figures(copied)
    rng = np.random.default_rng(3)
    for number in range(place.given.times):
        moment = float(rng.uniform(0.1, 1.0) * took)
        ended = _killed_after(moment, *map(str, options))
        kept = sorted(Layout(copied.resolve()).evaluations.glob("*/*.json"))
        began = time.perf_counter()
        again = mmindex(*options)
        yield {
            "run": number + 1,
            "killed after": round(moment, 1),
            "of": round(took, 1),
            "ended before": not ended,
            "kept": len(kept),
            "of directions": 2 * len(due[0]),
            "exit": again.returncode,
            "seconds again": round(time.perf_counter() - began, 1),
            "same figures": figures(copied) == due,
            "left in staging": len(list(Layout(copied.resolve()).evaluations.glob("*/*"))),
        }


def _killed_after(seconds: float, *arguments: str) -> bool:
    """Whether the command was killed, with all its children, after so many seconds."""
    process = subprocess.Popen(
        [*command(), *arguments],
        cwd=REPOSITORY,
        env=env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def figures(lake: Path) -> Any:
    """All scores of the report of what serves, to the last digit."""
    layout = Layout(lake.resolve())
    text = (layout.report(str(current(layout))) / "report.json").read_text("utf-8")
    report = json.loads(text)
    found = {
        direction["name"]: [direction[key] for key in ("queries", "means", "median_rank", "worst")]
        for direction in report["directions"]
    }
    return found, report["index_recall"], report["coverage"], report["verdict"]


PARTS: dict[str, Callable[[Place], Iterator[Row]]] = {
    "metrics": equal,
    "plants": plants,
    "aa": aa,
    "power": drops,
    "scale": sizes,
    "killed": killed,
}


def table(rows: Sequence[Row]) -> str:
    """Markdown: a column for each name that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    cells = ([_cell(row.get(name, "")) for name in names] for row in rows)
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        more = f" and {len(value) - 3} more" if len(value) > 3 else ""  # noqa: PLR2004
        return ", ".join(map(str, value[:3])) + more
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return str(value)


def commit() -> str:
    """What was measured."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "no repository"


def main() -> None:
    """Run the parts one after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--media", default="data/stamps", help="what build_stamps.py made")
    parser.add_argument("--lake", help="made by a run before; default: FOLDER/lake")
    parser.add_argument("--pairs", type=int, help="of the set, for a quick look; without, all")
    parser.add_argument("--plants", nargs="*", metavar="PLANT", help="some of them")
    parser.add_argument("--direction", default="text:zh→image", help="that falls, for power")
    parser.add_argument("--draws", type=int, help="of power (500) and of aa (200)")
    parser.add_argument("--swaps", type=int, default=2000)
    parser.add_argument("--queries", type=int, help="of power (1000) and of scale (20000)")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--threads", type=int, nargs="*", default=[os.cpu_count() or 1])
    parser.add_argument("--times", type=int, default=20, help="of killed")
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
        written = {"measured on": told, "seconds": seconds, "rows": rows}
        target = place.folder / f"gate-{part}.json"
        target.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
