"""Kill `mmindex index` at random moments, run it again, and compare with an undisturbed lake.

    python -m benchmarks.crash_sweep --kills 200 --json crashes.json

The media are copied from `examples/media`. Every kill is a SIGKILL to the whole process group: of
a first run, or of a second one after a text was edited, a picture added and a caption deleted.
Half of the moments are spread over the whole run as the undisturbed one took it, half over its
stages, each stage as often as the others. After each kill the published snapshot has to open and
verify; the next run has to end with the rows, vectors and index ids of the undisturbed lake.
One Prefect server, started and stopped here, serves all runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.machine import describe
from flows.orchestrator import set_defaults
from flows.temporary_server import await_url, temporary_server
from storage.layout import Layout
from storage.schemas import MmindexError
from storage.snapshot import Snapshot, current
from tests.crashes import Contents, contents_of, differences, left_over

EXAMPLES = Path(__file__).parents[1] / "examples" / "media"
LINE = re.compile(r"\d\d:\d\d:\d\d ([a-z]+(?: [a-z]+)?): (started|done in)")
STARTING, CLOSING = "starting", "closing"
PATIENCE = 300  # seconds for one run
CASES = ("first", "second")


@dataclass(slots=True)
class Run:
    """One `mmindex index`, watched: when each stage began and ended, and how the run did."""

    begun: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    code: int | None = None
    lines: list[str] = field(default_factory=list)

    def stage(self) -> str:
        """What ran last: a stage, the one that ended last, or what lies before and behind all."""
        if not self.begun:
            return STARTING
        if "publish" in self.ended:
            return CLOSING
        running = [name for name in self.begun if name not in self.ended]
        return running[-1] if running else f"after {list(self.ended)[-1]}"


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: ``seconds`` after the start of ``stage``, or of the run."""

    case: str
    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what came of it."""

    case: str
    stage: str
    seconds: float
    published: int | None
    invalid_current: bool
    half_snapshot: str
    rerun: str  # "" or why the next run failed
    lost: int
    doubled: int
    mixed: int
    equal: bool
    left_over: int  # temporary files and folders that no later run removed


def start(media: Path, lake: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "index", str(media), "--lake", str(lake)],
        cwd=Path(__file__).parents[1],
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def watch(process: subprocess.Popen[str], moment: Moment | None) -> Run:
    """Follow a run to its end, or kill its group at ``moment``."""
    run, since, due = Run(), time.monotonic(), threading.Event()

    def read() -> None:
        for line in process.stderr or ():
            run.lines.append(line.rstrip())
            if found := LINE.match(line):
                times = run.begun if found[2] == "started" else run.ended
                times[found[1]] = time.monotonic() - since
                if moment and found[2] == "started" and found[1] == moment.stage:
                    due.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    if moment is None:
        process.wait(PATIENCE)
    else:
        _kill(process, moment, due)
    run.seconds = time.monotonic() - since
    reader.join(10)
    run.code = process.wait()
    return run


def _kill(process: subprocess.Popen[str], moment: Moment, due: threading.Event) -> None:
    if moment.stage != STARTING:
        while not due.wait(0.05) and process.poll() is None:
            pass
    try:
        process.wait(moment.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def moments(case: str, undisturbed: Run, count: int, rng: random.Random) -> list[Moment]:
    """``count`` moments, half over the whole run and half over its stages, in any order."""
    over_all = count // 2
    found = [
        Moment(case, STARTING, undisturbed.seconds * (n + rng.random()) / over_all)
        for n in range(over_all)
    ]
    stages = list(undisturbed.ended)
    for n in range(count - over_all):
        stage = stages[n % len(stages)]
        took = undisturbed.ended[stage] - undisturbed.begun[stage]
        found.append(Moment(case, stage, took * rng.random()))
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """Where a case starts from, and what it has to end with."""

    media: Path
    lake: Path | None  # what the lake holds before the run
    before: Contents | None
    after: Contents
    run: Run  # the undisturbed one


def prepare(work: Path, environment: Mapping[str, str]) -> dict[str, Case]:
    """Make the media of both cases and their undisturbed lakes."""
    first, second = work / "first" / "media", work / "second" / "media"
    shutil.copytree(EXAMPLES, first)
    shutil.copytree(EXAMPLES, second)
    lakes = {name: work / name / "undisturbed" for name in CASES}
    runs = {"first": _undisturbed(first, lakes["first"], environment)}
    _undisturbed(second, work / "second" / "before", environment)
    change(second)
    shutil.copytree(work / "second" / "before", lakes["second"])
    runs["second"] = _undisturbed(second, lakes["second"], environment)
    after = {name: contents_of(Snapshot.open(Layout(lakes[name]))) for name in CASES}
    before = contents_of(Snapshot.open(Layout(work / "second" / "before")))
    return {
        "first": Case(first, None, None, after["first"], runs["first"]),
        "second": Case(
            second, work / "second" / "before", before, after["second"], runs["second"]
        ),
    }


def change(media: Path) -> None:
    """Edit the first text, delete the last one, and add a picture: the first, cut anew."""
    texts = sorted(media.rglob("*.txt"))
    texts[0].write_text("Something else altogether stands here now.\n", encoding="utf-8")
    texts[-1].unlink()
    from PIL import Image  # noqa: PLC0415 (the only use)

    picture = next(p for p in sorted(media.rglob("*")) if p.suffix in {".png", ".jpg"})
    with Image.open(picture) as opened:
        opened.convert("RGB").rotate(90).save(picture.with_name("added.png"))


def _undisturbed(media: Path, lake: Path, environment: Mapping[str, str]) -> Run:
    run = watch(start(media, lake, environment), None)
    if run.code:
        raise SystemExit("\n".join(["the undisturbed run failed", *run.lines]))
    return run


def attempt(case: Case, moment: Moment, lake: Path, environment: Mapping[str, str]) -> Kill | None:
    """Kill one run and let the next one end; None when the run ended before its moment."""
    if case.lake:
        shutil.copytree(case.lake, lake)
    run = watch(start(case.media, lake, environment), moment)
    if run.code != -signal.SIGKILL:
        shutil.rmtree(lake)
        return None
    number, invalid, half = seen(case, Layout(lake))
    again = watch(start(case.media, lake, environment), None)
    failed = "" if again.code == 0 else f"exit {again.code}: {' '.join(again.lines[-2:])}"
    lost = doubled = mixed = 0
    if not failed:
        snapshot = Snapshot.open(Layout(lake))
        snapshot.verify()
        lost, doubled, mixed = differences(contents_of(snapshot), case.after)
    kill = Kill(
        case=moment.case,
        stage=run.stage(),
        seconds=round(run.seconds, 3),
        published=number,
        invalid_current=invalid,
        half_snapshot=half,
        rerun=failed,
        lost=lost,
        doubled=doubled,
        mixed=mixed,
        equal=not (failed or lost or doubled or mixed),
        left_over=len(left_over(lake)),
    )
    if kill.equal and not (invalid or half):
        shutil.rmtree(lake)
    return kill


def seen(case: Case, layout: Layout) -> tuple[int | None, bool, str]:
    """What a reader finds right after a kill: number, bad pointer?, what is half of a snapshot."""
    try:
        number = current(layout)
    except MmindexError:
        return None, True, ""
    if number is None:
        return None, case.before is not None, ""
    try:
        snapshot = Snapshot.open(layout)
        snapshot.verify()
        new = number > (0 if case.before is None else 1)
        expected = case.after if new or case.before is None else case.before
        wrong = differences(contents_of(snapshot), expected)
    except MmindexError as error:
        return number, False, str(error)
    return number, False, f"{wrong}" if any(wrong) else ""


@contextmanager
def shared_server(home: Path) -> Iterator[dict[str, str]]:
    """The environment of runs that share one Prefect server."""
    os.environ["PREFECT_HOME"] = str(home)
    set_defaults()
    with temporary_server() as server:
        yield {**os.environ, "PREFECT_API_URL": await_url(server)}


def table(kills: list[Kill], missed: int) -> str:
    """Kills by case and stage, and what was wrong, as Markdown."""
    head = ("case", "stage", "kills", "new one published", "invalid CURRENT", "half snapshots")
    head += ("reruns failed", "lost", "doubled", "mixed", "final lake equal")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    groups = Counter((kill.case, kill.stage) for kill in kills)
    for case, stage in [*sorted(groups), ("all", "all")]:
        of = [k for k in kills if (k.case, k.stage) == (case, stage) or case == "all"]
        base = {"first": 0, "second": 1}
        cells = [
            case,
            stage,
            len(of),
            sum((k.published or 0) > base[k.case] for k in of),
            sum(k.invalid_current for k in of),
            sum(bool(k.half_snapshot) for k in of),
            sum(bool(k.rerun) for k in of),
            sum(k.lost for k in of),
            sum(k.doubled for k in of),
            sum(k.mixed for k in of),
            f"{sum(k.equal for k in of)} of {len(of)}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    left = sum(k.left_over for k in kills)
    lines.append(f"\n{missed} runs ended before their moment; {left} temporary files left over.")
    return "\n".join(lines)


def sweep(options: argparse.Namespace, work: Path) -> tuple[list[Kill], int]:
    """Kill until there are enough kills, or no time is left; also how many runs were faster."""
    begun, rng = time.monotonic(), random.Random(options.seed)
    kills: list[Kill] = []
    missed = 0
    with shared_server(work / "prefect") as environment:
        cases = prepare(work, environment)
        half = options.kills // 2
        todo = [m for name in CASES for m in moments(name, cases[name].run, half, rng)]
        rng.shuffle(todo)
        while len(kills) < options.kills and time.monotonic() - begun < options.seconds:
            moment = todo.pop() if todo else rng.choice(moments(*_any(cases, rng), 2, rng))
            lake = work / f"lake-{len(kills) + missed}"
            kill = attempt(cases[moment.case], moment, lake, environment)
            if kill is None:
                missed += 1
                continue
            kills.append(kill)
            print(f"{len(kills)}/{options.kills}", json.dumps(asdict(kill)), file=sys.stderr)
    return kills, missed


def main() -> None:
    """Run the sweep; the exit status says whether every lake was whole."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="work here, and keep the lakes that differ")
    options = parser.parse_args()
    work = options.keep or Path(tempfile.mkdtemp(prefix="mmindex-crashes-"))
    work.mkdir(parents=True, exist_ok=True)
    kills, missed = sweep(options, work)
    print(f"{describe()}\n\n{table(kills, missed)}")
    if options.json:
        told = {"machine": describe(), "seed": options.seed, "missed": missed}
        told["kills"] = [asdict(kill) for kill in kills]
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    whole = all(k.equal and not (k.invalid_current or k.half_snapshot) for k in kills)
    if whole and options.keep is None:
        shutil.rmtree(work)
    sys.exit(0 if whole else 1)


def _any(cases: Mapping[str, Case], rng: random.Random) -> tuple[str, Run]:
    name = rng.choice(CASES)
    return name, cases[name].run


if __name__ == "__main__":
    main()
