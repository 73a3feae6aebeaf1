"""Kill `mmindex index` at random moments, run it again, and compare with an undisturbed lake.

    python -m benchmarks.crash_sweep --kills 200 --json crashes.json

The media are copied from `examples/media`. Every kill is a SIGKILL to the whole process group: of
a first run, or of a second one after a text was edited, a picture added and a caption deleted.
Half of the moments are spread over the whole run as the undisturbed one took it, half over its
stages, each stage as often as the others. A reader opens the lake in a loop all the while and
compares what it finds with the old and the new snapshot. After each kill the published snapshot
has to open and verify; the next run has to end with the rows, vectors and index ids of the
undisturbed lake. One Prefect server, started and stopped here, serves all runs.

Runs are the real command in processes forked by workers that have loaded its modules
(`benchmarks/crash_runs.py`). `--preset hash`, the default, takes encoders that hash, so that a
kill takes about two seconds; `--preset embedded` takes the real ones.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.crash_runs import HASH, STARTING, Case, Kill, Moment, Run
from benchmarks.machine import describe
from flows.orchestration.orchestrator import set_defaults
from flows.orchestration.temporary_server import await_url, temporary_server

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "media"
FOLDERS = ("animals", "numbered", "video")
CASES = ("first", "second")


class Worker:
    """A process that runs and kills; one call at a time."""

    def __init__(self, preset: str, environment: Mapping[str, str], log: Path) -> None:
        with log.open("w") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.crash_runs", preset],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self._log = log

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)  # closes its stdin, by which it ends

    def ask(self, told: dict[str, Any]) -> Any:
        """Send one line and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker died:\n{self._log.read_text()}")
        return json.loads(line)

    def run(self, media: Path, lake: Path) -> Run:
        """One undisturbed run."""
        run = Run(**self.ask({"do": "run", "media": str(media), "lake": str(lake)}))
        if run.code:
            raise SystemExit("\n".join(["the undisturbed run failed", *run.lines]))
        return run

    def kill(self, case: Case, moment: Moment, lake: Path) -> Kill | None:
        """One kill; None when the run ended before its moment."""
        told = {"do": "kill", "case": asdict(case), "moment": asdict(moment), "lake": str(lake)}
        found = self.ask(told)
        return None if found is None else Kill(**found)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case, and its undisturbed run."""

    case: Case
    run: Run


def prepare(work: Path, worker: Worker) -> dict[str, Prepared]:
    """Make the media of both cases and their undisturbed lakes."""
    first, second = work / "first" / "media", work / "second" / "media"
    for folder in FOLDERS:
        shutil.copytree(EXAMPLES / folder, first / folder)
        shutil.copytree(EXAMPLES / folder, second / folder)
    before, after = work / "second" / "before", work / "second" / "after"
    run = worker.run(first, work / "first" / "after")
    worker.run(second, before)
    change(second)
    shutil.copytree(before, after)
    return {
        "first": Prepared(Case(str(first), "", str(work / "first" / "after")), run),
        "second": Prepared(Case(str(second), str(before), str(after)), worker.run(second, after)),
    }


def change(media: Path) -> None:
    """Edit the first text, delete the last one, and add a picture: the first, cut anew."""
    texts = sorted(media.rglob("*.txt"))
    texts[0].write_text("Something else altogether stands here now.\n", encoding="utf-8")
    texts[-1].unlink()
    from PIL import Image

    picture = next(p for p in sorted(media.rglob("*")) if p.suffix in {".png", ".jpg"})
    with Image.open(picture) as opened:
        opened.convert("RGB").rotate(90).save(picture.with_name("added.png"))


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


@contextmanager
def shared_server(home: Path) -> Iterator[dict[str, str]]:
    """The environment of runs that share one Prefect server."""
    os.environ["PREFECT_HOME"] = str(home)
    set_defaults()
    with temporary_server() as server:
        yield {**os.environ, "PREFECT_API_URL": await_url(server)}


@dataclass(slots=True)
class Sweep:
    """Kills until there are enough, by several workers; also how many runs were faster."""

    options: argparse.Namespace
    work: Path
    cases: Mapping[str, Prepared]
    kills: list[Kill]
    todo: queue.SimpleQueue[Moment]
    missed: int = 0
    started: int = 0

    def __post_init__(self) -> None:
        rng = random.Random(self.options.seed)
        half = -(-self.options.kills // 2)
        for _ in range(4):  # enough for those that come too late
            turn = [m for name in CASES for m in moments(name, self.cases[name].run, half, rng)]
            rng.shuffle(turn)
            for moment in turn:
                self.todo.put(moment)

    def serve(self, worker: Worker, until: float) -> None:
        """Let one worker kill as long as kills are wanted."""
        while len(self.kills) < self.options.kills and time.monotonic() < until:
            moment = self.todo.get_nowait()
            self.started += 1
            lake = self.work / f"lake-{self.started}-{threading.get_ident()}"
            kill = worker.kill(self.cases[moment.case].case, moment, lake)
            if kill is None:
                self.missed += 1
            elif len(self.kills) < self.options.kills:
                self.kills.append(kill)
                count = f"{len(self.kills)}/{self.options.kills}"
                print(count, json.dumps(asdict(kill)), file=sys.stderr)


def sweep(options: argparse.Namespace, work: Path) -> Sweep:
    """Prepare, then kill with all workers at once."""
    with ExitStack() as stack:
        environment = stack.enter_context(shared_server(work / "prefect"))
        workers = [
            stack.enter_context(Worker(options.preset, environment, work / f"worker-{n}.log"))
            for n in range(options.workers)
        ]
        found = Sweep(options, work, prepare(work, workers[0]), [], queue.SimpleQueue())
        until = time.monotonic() + options.seconds
        threads = [threading.Thread(target=found.serve, args=(w, until)) for w in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def table(kills: list[Kill], missed: int) -> str:
    """Kills by case and stage, and what was wrong, as Markdown."""
    head = ("case", "stage", "kills", "new one published", "invalid CURRENT", "half snapshots")
    head += ("reader opened", "reader saw half", "reruns failed", "lost", "doubled", "mixed")
    head += ("final lake equal",)
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
            sum(k.opened for k in of),
            sum(k.read_half for k in of),
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


def main() -> None:
    """Run the sweep; the exit status says whether every lake was whole."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--preset", choices=(HASH, "embedded"), default=HASH)
    parser.add_argument("--workers", type=int, default=2, help="runs killed at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="work here, and keep the lakes that differ")
    options = parser.parse_args()
    work = options.keep or Path(tempfile.mkdtemp(prefix="mmindex-crashes-"))
    work.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    found = sweep(options, work)
    kills = found.kills
    took = round(time.monotonic() - begun)
    print(f"{describe()}\n\n{table(kills, found.missed)}\n{took} s, preset {options.preset}")
    if options.json:
        told = {"machine": describe(), "seed": options.seed, "preset": options.preset}
        told |= {"seconds": took, "missed": found.missed, "kills": [asdict(k) for k in kills]}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    bad = [k for k in kills if not k.equal or k.invalid_current or k.half_snapshot or k.read_half]
    if kills and not bad and options.keep is None:
        shutil.rmtree(work)
    sys.exit(1 if bad or not kills else 0)


if __name__ == "__main__":
    main()
