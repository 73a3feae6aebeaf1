"""What Prefect costs: the flow on its temporary server, beside the same functions in a plain loop.

    python -m benchmarks.orchestration --files 5000 20000 --json orchestration.json

`prefect` is what `mmindex index` does by hand: a temporary server, the flow, its task runs. `loop`
calls the same functions as plain functions (the tasks' own, below Prefect's decorator), with a
pool of as many threads for each kind of task. Both decode in worker processes. Each run is a
process of its own that makes a new lake, in turn with the other, and is watched from outside: CPU
seconds and memory are of it and of all processes below it, the server among them. Half of the
files are small pictures, half their captions. Lakes have to be equal.

With `--preset hash` encoders need no weights and next to no time: then what is left is read as
milliseconds a file.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.indexed import Peak
from benchmarks.machine import describe
from benchmarks.measured import Figures
from benchmarks.trees import A_FOLDER, picture, sentence
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot

NAME: Final = "benchmarks.orchestration"
HOW: Final = ("loop", "prefect")
MOST_CPU: Final = 10.0  # per cent that Prefect may add
MOST_MB: Final = 300
PATIENCE: Final = 10.0  # seconds that worker processes have to end


def write(root: Path, files: int) -> None:
    """Pictures of 8×8 and a sentence about each, all different; one folder a thousand files."""
    for number in range(files // 2):
        folder = root / f"{2 * number // A_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07d}.png").write_bytes(picture(number))
        (folder / f"{number:07d}.txt").write_bytes(sentence(number))


class Threads:
    """What a flow asks of a task runner, without Prefect: a pool of threads."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers)

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def submit(self, task: Any, parameters: Mapping[str, Any]) -> Future[Any]:
        """Call the task's function when a thread is free."""
        function = getattr(task, "fn", task)
        return self._pool.submit(copy_context().run, lambda: function(**parameters))


def config(root: Path, lake: Path, preset: str) -> Any:
    """Defaults, on the CPU."""
    from flows.config.index import IndexConfig
    from mmcore.specs import RuntimeSpec

    told: Figures = {"media": (f"media={root}",), "lake": str(lake), "preset": preset}
    if preset == "hash":  # only this process knows such encoders
        return IndexConfig(**told, runtime=RuntimeSpec(device="cpu", isolate=False))
    return IndexConfig(**told, runtime=RuntimeSpec(device="cpu"))


def with_prefect(root: Path, lake: Path, preset: str) -> Figures:
    """The flow on a temporary server, as the command runs it."""
    from flows.orchestration.orchestrator import orchestrated

    with orchestrated(lambda _: None, preload=("flows.index_media",)) as url:
        from flows.index_media import index_media

        result = index_media(config(root, lake, preset))
        return {"seconds": result.seconds, "task_runs": task_runs(url)}


def task_runs(url: str) -> int:
    """How many the server has, all of this flow: its database may be older."""
    import httpx

    named = {"flows": {"name": {"any_": ["index-media"]}}}
    flow_runs = httpx.post(f"{url}/flow_runs/filter", json={"sort": "START_TIME_DESC", **named})
    newest = {"flow_runs": {"id": {"any_": [flow_runs.json()[0]["id"]]}}}
    return int(httpx.post(f"{url}/task_runs/count", json=newest).text)


def in_a_loop(root: Path, lake: Path, preset: str) -> Figures:
    """The same functions, called as plain functions; pools of as many threads."""
    from flows import index_media
    from flows.engines import lanes, sharding
    from tests.crashes import plain_tasks

    plain_tasks(pytest.MonkeyPatch())
    for module in (lanes, sharding):
        setattr(module, "task_runner", lambda _, workers: Threads(workers))  # noqa: B010
    result = index_media.index_media.fn(config(root, lake, preset))
    return {"seconds": result.seconds}


def phase(how: str, root: Path, lake: Path, preset: str) -> None:
    """One run, in this process, to the end of all that it started."""
    if preset == "hash":
        from tests.crashes import use_hash_encoders

        use_hash_encoders(setattr, (Modality.TEXT, Modality.IMAGE))
    logging.disable(logging.INFO)
    runs: dict[str, Callable[..., Figures]] = {"prefect": with_prefect, "loop": in_a_loop}
    told = runs[how](root, lake, preset)
    reap()
    print(json.dumps(told))


def reap() -> None:
    """Wait for the worker processes, so that their CPU seconds count."""
    from mmcore.decoding.pool import POOL

    POOL.close()
    until = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
    except ChildProcessError:
        return


def watched(how: str, root: Path, lake: Path, preset: str) -> Figures:
    """One run in a process of its own: wall, CPU, memory of it and all below it."""
    command = [sys.executable, "-m", NAME, "--phase", how, "--root", str(root)]
    command += ["--lake", str(lake), "--preset", preset]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PREFECT_HOME": f"{lake}.prefect"},
        stdout=subprocess.PIPE,
        text=True,
    )
    peak = Peak(process.pid)
    watcher = threading.Thread(target=peak.watch)
    watcher.start()
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    peak.ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    told: Figures = json.loads(out.splitlines()[-1])
    return told | {
        "wall_s": round(wall, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),  # with all below it that it waited for
        "pss_mb": round(peak.bytes / 1e6),
        "load": round(os.getloadavg()[0], 1),
    }


def equal(one: Path, other: Path) -> bool:
    """Whether two lakes serve the same rows and vectors."""
    from tests.crashes import contents_of, differences

    found, expected = (contents_of(Snapshot.open(Layout(lake))) for lake in (one, other))
    return differences(found, expected) == (0, 0, 0)


def compare(work: Path, files: int, preset: str, rounds: int) -> Figures:
    """Runs of both kinds over one tree, in turn; which one is first changes."""
    root = work / f"media-{files}"
    write(root, files)
    found: dict[str, list[Figures]] = {how: [] for how in HOW}
    alike = []
    for number in range(rounds):
        lakes = {how: work / f"{how}-{files}-{number}" for how in HOW}
        for how in HOW if number % 2 == 0 else reversed(HOW):
            found[how].append(watched(how, root, lakes[how], preset))
            print(f"{files} {how}: {json.dumps(found[how][-1])}", file=sys.stderr, flush=True)
        alike.append(equal(*lakes.values()))
        for lake in lakes.values():
            shutil.rmtree(lake)
    medians = {
        how: {of: statistics.median(run[of] for run in runs) for of in FIGURES}
        for how, runs in found.items()
    }
    loop, prefect = medians["loop"], medians["prefect"]
    return {
        "files": files,
        "runs": found,
        "medians": medians,
        "task_runs": found["prefect"][0]["task_runs"],
        "wall_more": share(prefect["wall_s"], loop["wall_s"]),
        "cpu_more": share(prefect["cpu_s"], loop["cpu_s"]),
        "cpu_ms_a_file": round(1000 * (prefect["cpu_s"] - loop["cpu_s"]) / files, 2),
        "mb_more": prefect["pss_mb"] - loop["pss_mb"],
        "alike": all(alike),
    }


FIGURES: Final = ("wall_s", "cpu_s", "pss_mb")


def share(more: float, less: float) -> float:
    """How many per cent more."""
    return round(100 * (more / less - 1), 1)


def table(found: list[Figures]) -> str:
    """One line a size."""
    lines = [
        "| files | task runs | loop: wall s, CPU s, MB | Prefect: wall s, CPU s, MB | more wall |"
        " more CPU | CPU ms a file | more MB | lakes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        cells = [f"{one['files']:,}", str(one["task_runs"])]
        for how in HOW:
            of = one["medians"][how]
            cells.append(f"{of['wall_s']:.1f}, {of['cpu_s']:.1f}, {of['pss_mb']:.0f}")
        cells += [f"{one['wall_more']:+.1f} %", f"{one['cpu_more']:+.1f} %"]
        cells += [f"{one['cpu_ms_a_file']:.2f}", f"{one['mb_more']:+.0f}"]
        cells.append("equal" if one["alike"] else "DIFFER")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; 1 where lakes differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, nargs="+", default=[5000, 20_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--preset", default="embedded", help="or hash: encoders without weights")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--phase", choices=HOW)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--lake", type=Path)
    told = parser.parse_args()
    if told.phase:
        phase(told.phase, told.root, told.lake, told.preset)
        return
    with tempfile.TemporaryDirectory(prefix="mmindex-orchestration-") as folder:
        sizes = [compare(Path(folder), n, told.preset, told.rounds) for n in told.files]
    print(f"{describe()}, {told.preset}\n\n{table(sizes)}")
    print(f"\nThe goal: at most {MOST_CPU:g} % more, at most {MOST_MB} MB more.")
    if told.json:
        found = {"machine": describe(), "preset": told.preset, "sizes": sizes}
        told.json.write_text(json.dumps(found, indent=1), "utf-8")
    raise SystemExit(0 if all(one["alike"] for one in sizes) else 1)


if __name__ == "__main__":
    main()
