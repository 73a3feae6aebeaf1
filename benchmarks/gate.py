"""The gate on the public set: faults it has to stop, and nights on which it has to keep still.

    make data && python -m benchmarks.gate FOLDER [metrics plants aa power scale killed]

FOLDER gets a lake of the set with half of the captions held out (``lake``, made where it is not
there), and all copies. Each part prints a table and writes ``gate-PART.json`` there. ``--media``
names what `benchmarks/build_stamps.py` made with ``--names opaque``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pyarrow.parquet as pq

from benchmarks.gate_aa import label_swaps, rebuilt_indexes, two_projections
from benchmarks.gate_plants import CAUGHT, PLANTS
from benchmarks.gate_power import DROPS, power
from benchmarks.gate_scale import ITEMS, QUERIES, scale
from benchmarks.gate_set import asked_of
from benchmarks.machine import describe
from mmcore.evaluation import measures
from mmcore.evaluation.reporting.words import named
from mmcore.evaluation.scores import GateVerdict
from storage.candidates import BLOCKED
from storage.layout import Layout
from storage.snapshot import current

ROOT = "stamps"
REPOSITORY = Path(__file__).parents[1]
SETTINGS = (
    "fit.held_out=0.5",
    "evaluation.run_depth=100",  # so that run.trec has all that was ranked
    "evaluation.latency_queries=50",
)
GONE = 10  # items that go before a plant; one of the others gets another caption
TESTED = ("worse", "recall")  # findings of the significance test; all others need none

TREC = {
    **{f"Success@{k}": f"success_{k}" for k in (1, 5, 10)},
    **{"RR": "recip_rank", "AP@100": "map_cut_100", "nDCG@10": "ndcg_cut_10"},
    **{"R@10": "recall_10", "P@10": "P_10"},
}
"""Our names, and trec_eval's."""

Row = dict[str, Any]
Values = dict[tuple[str, str], float]
"""Query and measure → value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies, and what was asked for."""

    folder: Path
    given: argparse.Namespace

    @property
    def lake(self) -> Path:
        """The lake of the whole set."""
        return self.folder / "lake"

    @property
    def media(self) -> Path:
        """The set."""
        return Path(self.given.media)

    def copy(self, name: str) -> Path:
        """A fresh copy of the lake."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.lake, target)
        return target


def mmindex(*arguments: object, plant: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, perhaps with a plant."""
    return subprocess.run(
        [*_command(plant), *map(str, arguments)],
        cwd=REPOSITORY,
        env=_env(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _command(plant: str | None = None) -> list[str]:
    module = ["flows.cli"] if plant is None else ["benchmarks.gate_plants", plant]
    return [sys.executable, "-m", *module]


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}


def index(place: Place, media: Path, lake: Path, plant: str | None = None) -> Any:
    """Index the set, or what a plant is given of it."""
    options = [option for setting in SETTINGS for option in ("--set", setting)]
    manifest = media.parent / f"{media.name}.jsonl"
    return mmindex(
        "index",
        f"{ROOT}={media}",
        *("--lake", lake, "--preset", "embedded", "--manifest", manifest, "--json"),
        *options,
        plant=plant,
    )


def lake(place: Place) -> None:
    """The set's lake, with half of its captions held out; kept where it is there."""
    if (place.lake / "CURRENT").exists():
        return
    place.folder.mkdir(parents=True, exist_ok=True)
    _copied(place, "media", lambda pairs: pairs[: place.given.pairs])
    done = index(place, place.folder / "media", place.lake)
    if done.returncode:
        raise SystemExit(f"the set could not be indexed: {done.stderr[-2000:]}")


def _copied(place: Place, name: str, keep: Callable[[list[Row]], list[Row]]) -> Path:
    """The media of the pairs that ``keep`` leaves, copied, and a manifest beside them."""
    target = place.folder / name
    shutil.rmtree(target, ignore_errors=True)
    text = (place.media / "pairs.jsonl").read_text("utf-8")
    lines = []
    for pair in keep([json.loads(line) for line in text.splitlines()]):
        for path in pair["files"].values():
            to = target / path.removeprefix("media/")
            to.parent.mkdir(parents=True, exist_ok=True)
            if not to.exists():
                shutil.copy2(place.media / path, to)
            told = {"item": pair["id"], "path": path.removeprefix("media/")}
            lines.append({**told, "label": pair["category"]})
    manifest = place.folder / f"{name}.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return target


def changed(place: Place) -> Path:
    """The set without ten items, and with one caption more: what a night might bring."""
    target = _copied(place, "changed", lambda pairs: pairs[: place.given.pairs][GONE:])
    caption = target / "added.txt"
    caption.write_text("A photo of a wooden boat on a quiet lake.", encoding="utf-8")
    line = {"item": "added", "path": caption.name, "label": "added"}
    with (place.folder / "changed.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return target


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


_LOG3 = np.log2(3)
HAND = (  # ranks of what is right, how many are right; then each measure, worked out by hand
    ((1,), 1, (1, 1, 1, 1, 1, 1, 1, 1 / 10, 2 / 11)),
    ((), 3, (0, 0, 0, 0, 0, 0, 0, 0, 0)),
    ((2, 3), 2, (0, 1, 1, 1 / 2, (1 / _LOG3 + 1 / 2) / (1 + 1 / _LOG3), 7 / 12, 1, 1 / 5, 1 / 3)),
    (
        (6, 11, 40),
        4,
        (
            *(0, 0, 1, 1 / 6),
            (1 / np.log2(7)) / (1 + 1 / _LOG3 + 1 / 2 + 1 / np.log2(5)),
            (1 / 6 + 2 / 11 + 3 / 40) / 4,
            *(1 / 4, 1 / 10, 1 / 7),
        ),
    ),
    ((11,), 1, (0, 0, 0, 1 / 11, 0, 1 / 11, 0, 0, 0)),
    (tuple(range(1, 101)), 150, (1, 1, 1, 1, 1, 100 / 150, 10 / 150, 1, 1 / 8)),
)
BY_HAND = (
    *("Success@1", "Success@5", "Success@10"),
    *("RR", "nDCG@10", "AP@100", "R@10", "P@10", "F1@10"),
)


def metrics(place: Place) -> Iterator[Row]:
    """The run that was written, through trec_eval; and queries that were worked out by hand."""
    lake(place)
    report = Layout(place.lake.resolve()).report(str(current(Layout(place.lake.resolve()))))
    table = pq.read_table(report / "queries.parquet").to_pylist()
    trec: Any = ir_measures  # its readers have no types
    run = list(trec.read_trec_run(str(report / "run.trec")))
    qrels = list(trec.read_trec_qrels(str(report / "qrels.trec")))
    told = pq.read_schema(report / "queries.parquet").names
    known = [found for name in told if (found := _measure(name)) is not None]
    for tool, found in (
        ("ir_measures", _calculated(known, qrels, run)),
        ("trec_eval", _raw(qrels, run)),
    ):
        for measure in [*map(str, known), *(["F1@10"] if tool == "trec_eval" else [])]:
            apart = [
                abs(found.get((_topic(row), measure), 0.0) - row[measure])
                for row in table
                if row["kind"] == "exact" and row[measure] is not None
            ]
            yield {"by": tool, "measure": measure, "queries": len(apart), "most apart": max(apart)}
    yield from _by_hand()


def _calculated(known: Sequence[Any], qrels: Sequence[Any], run: Sequence[Any]) -> Values:
    found = ir_measures.iter_calc(known, qrels, run)
    return {(metric.query_id, str(metric.measure)): metric.value for metric in found}


def _raw(qrels: Sequence[Any], run: Sequence[Any]) -> Values:
    """By trec_eval's own names, without ir-measures between."""
    import pytrec_eval

    right: dict[str, dict[str, int]] = defaultdict(dict)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for one in qrels:
        right[one.query_id][one.doc_id] = one.relevance
    for one in run:
        scores[one.query_id][one.doc_id] = one.score
    asked = {"success", "recip_rank", "map_cut", "ndcg_cut", "recall", "P"}
    told = pytrec_eval.RelevanceEvaluator(dict(right), asked).evaluate(dict(scores))
    found = {
        (query, ours): values[theirs]
        for query, values in told.items()
        for ours, theirs in TREC.items()
    }
    for query, values in told.items():
        precision, recall = values["P_10"], values["recall_10"]
        both = precision + recall
        found[query, "F1@10"] = 2 * precision * recall / both if both else 0.0
    return found


def _measure(name: str) -> Any:
    try:
        return ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError):
        return None  # a column that says what was asked, or a measure of ours alone


def _topic(row: Row) -> str:
    """As run and qrels name a query."""
    name = f"{row['direction']}/{row['query']}"
    whole = name if row["set"] == "held-out" else f"{row['set']}/{name}"
    return whole.replace("%", "%25").replace(" ", "%20")


def _by_hand() -> Iterator[Row]:
    hits = [np.array(ranks, dtype=np.int64) for ranks, _, _ in HAND]
    relevant = np.array([count for _, count, _ in HAND], dtype=np.int64)
    found = measures.per_query(hits, relevant, (1, 5, 10))
    for place, name in enumerate(BY_HAND):
        due = np.array([values[place] for *_, values in HAND], dtype=np.float64)
        apart = float(np.abs(found[name] - due).max())
        yield {"by": "hand", "measure": name, "queries": len(HAND), "most apart": apart}


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
    place.folder.mkdir(parents=True, exist_ok=True)
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
        [*_command(), *arguments],
        cwd=REPOSITORY,
        env=_env(),
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
    "metrics": metrics,
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
