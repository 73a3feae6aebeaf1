r"""What a rerun over an unchanged folder costs, beside `find` on the same tree.

    python -m benchmarks.unchanged_folder --files 200000 --json unchanged.json

The first lake is built by the flow as a plain function with encoders that hash: what a rerun looks
at does not depend on the encoder. Then, in turn, several times, each in a process of its own:

- `find ROOT -printf '%s %T@ %p\n'`;
- the flow `index-media` as a plain function over the unchanged folder, from its first line to its
  result: settings, lock, the snapshot opened, the walk, its hash, the counts of the result;
- the same a second time in its process, so that no module is left to import;
- crawl and plan after one file of all was touched: the dry run, which writes nothing;
- the whole command `mmindex index`, with imports and Prefect's temporary server;
- the start of that server alone.

The cache is warm: the tree was just made.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.machine import describe
from benchmarks.measured import Figures, in_process, measured, repeated, timed
from benchmarks.trees import make_tree
from flows.orchestration.temporary_server import await_url, temporary_server
from mmcore.specs import FitSpec, PlanSpec
from storage.schemas import Modality
from tests.crashes import plain_index, use_hash_encoders

NAME = "benchmarks.unchanged_folder"
WHAT = {
    "find": "`find ROOT -printf '%s %T@ %p\\n'`",
    "unchanged": "the flow, nothing changed",
    "again": "the flow a second time in its process",
    "touched": "crawl and plan, one file touched",
    "command": "`mmindex index`, nothing changed",
    "server": "start of Prefect's temporary server",
}


def flow(root: Path, lake: Path, *, dry_run: bool = False, again: bool = False) -> Figures:
    """The flow as a plain function, in this process; ``again``: run once before."""
    logging.disable(logging.INFO)
    index = plain_index(pytest.MonkeyPatch())
    told: Figures = {}
    options = {"fit": FitSpec(), "plan": PlanSpec(), "workers": None, "dry_run": dry_run}
    if again:
        index(root, lake, **options)
    with measured(told):
        result = index(root, lake, **options)
    stages = {f"{stage}_s": seconds for stage, seconds in result.seconds.items()}
    return told | {"status": result.status, "new": sum(result.new.values())} | stages


def command(root: Path, lake: Path) -> Figures:
    """The command, in this process."""
    from flows import cli

    use_hash_encoders(setattr, (Modality.TEXT, Modality.IMAGE))
    arguments = ["index", str(root), "--lake", str(lake), "--preset", "hash", "--device", "cpu"]
    sys.argv, sys.stdout, out = ["mmindex", *arguments], sys.stderr, sys.stdout
    told: Figures = {}
    try:
        with measured(told):
            _to_its_end(cli.main)
    finally:
        sys.stdout = out
    return told


def _to_its_end(program: Callable[[], None]) -> None:
    try:
        program()
    except SystemExit as ended:
        if ended.code:
            raise


def server() -> Figures:
    """Prefect's temporary server, until it answers; its end is not counted."""
    begun = time.perf_counter()
    with temporary_server() as started:
        await_url(started)
        return {"process_s": round(time.perf_counter() - begun, 3)}


def touched(root: Path, lake: Path) -> Figures:
    """Crawl and plan after a touch, which is undone."""
    path = next(root.rglob("*.txt"))
    before = path.stat()
    path.touch()
    try:
        return in_process(NAME, "--phase", "touched", "--root", root, "--lake", lake)
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def table(found: dict[str, Figures], find: Figures) -> str:
    """What took how long, beside `find`."""
    lines = [
        "| what | wall s, least (median) | of find | CPU s | peak MB |",
        "|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        wall = figures["process_s" if name in ("command", "server") else "wall_s"]
        ratio = f"{wall['min'] / find['wall_s']['min']:.1f}"
        cpu, peak = figures.get("cpu_s"), figures.get("peak_mb")
        cells = [WHAT[name], f"{wall['min']:.2f} ({wall['median']:.2f})", ratio]
        cells += [f"{cpu['min']:.2f}" if cpu else "", str(peak["median"]) if peak else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def compare(options: argparse.Namespace, work: Path) -> Figures:
    """Make tree and lake, then measure all in turn."""
    root, lake = work / "media", work / "lake"
    os.environ["PREFECT_HOME"] = str(work / "prefect")
    size = make_tree(root, options.files)
    print(f"{options.files} files, {size / 1e6:.0f} MB; building the lake", file=sys.stderr)
    places = ("--root", root, "--lake", lake)
    first = in_process(NAME, "--phase", "build", *places)
    found = repeated(
        {
            "find": lambda: timed(["find", str(root), "-printf", r"%s %T@ %p\n"]),
            "unchanged": lambda: in_process(NAME, "--phase", "unchanged", *places),
            "again": lambda: in_process(NAME, "--phase", "again", *places),
            "touched": lambda: touched(root, lake),
            "command": lambda: in_process(NAME, "--phase", "command", *places),
            "server": server,
        },
        options.repeats,
    )
    assert found["unchanged"]["status"] == "unchanged"
    return {"files": options.files, "bytes": size, "first": first, **found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--phase", choices=("build", "unchanged", "again", "touched", "command"))
    parser.add_argument("--root", type=Path)
    parser.add_argument("--lake", type=Path)
    options = parser.parse_args()
    if options.phase:
        phases = {
            "again": lambda *of: flow(*of, again=True),
            "touched": lambda *of: flow(*of, dry_run=True),
            "command": command,
        }
        print(json.dumps(phases.get(options.phase, flow)(options.root, options.lake)))
        return
    work = Path(tempfile.mkdtemp(prefix="mmindex-unchanged-"))
    try:
        found = compare(options, work)
    finally:
        shutil.rmtree(work)
    rows = {name: found[name] for name in WHAT}
    print(f"{describe()}\n\n{options.files} files\n\n{table(rows, found['find'])}")
    if options.json:
        told = {"machine": describe(), **found}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
