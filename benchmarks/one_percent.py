"""One per cent of a folder changes: what is decoded and embedded, and how long the rerun takes.

    python -m benchmarks.one_percent --files 20000 --json one_percent.json

Half of the files are pictures, the others their captions. `mmindex index` with the real encoders
runs over all, then, after a hundredth of them was edited, added, moved or deleted (a quarter each,
pictures and captions in equal parts), again, and once more over what has not changed since. What
a run embedded is read from the parts that it wrote: exactly the contents that were edited or added
have to be there, nothing that was moved.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import describe
from storage.records import read_record
from storage.schemas import content_id

ROOT = Path(__file__).parents[1]
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "pink", "grey", "brown", "orange")
THINGS = ("boat", "tree", "house", "river", "kite", "lamp", "horse", "cloud", "tower", "bridge")
SHARE = 0.01


@dataclass(slots=True)
class Changed:
    """The contents that have to be embedded, and how many files were touched otherwise."""

    contents: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)


def write_pair(folder: Path, number: int, version: int = 0) -> tuple[Path, Path]:
    """A picture of 320×240 and its caption."""
    return write_picture(folder, number, version), write_caption(folder, number, version)


def write_picture(folder: Path, number: int, version: int = 0) -> Path:
    """A photo-like picture: soft patches of colour with some grain."""
    rng = np.random.default_rng([number, version])
    patches = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    soft = np.asarray(patches.resize((320, 240), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-8, 9, (240, 320, 1), dtype=np.int16)
    path = _place(folder, number, "jpg")
    Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8)).save(path, quality=85)
    return path


def write_caption(folder: Path, number: int, version: int = 0) -> Path:
    """A sentence of its own."""
    colour, thing = COLOURS[(number + version) % 10], THINGS[number // 10 % 10]
    again = " again" * version
    path = _place(folder, number, "txt")
    path.write_text(f"A {colour} {thing} on page {number} of the catalogue{again}.\n", "utf-8")
    return path


def _place(folder: Path, number: int, suffix: str) -> Path:
    path = folder / f"{number // 500:03d}" / f"page-{number:06d}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def change(folder: Path, pairs: int) -> Changed:
    """Edit, add, move and delete a hundredth of the files, a quarter of it each."""
    each = max(1, round(pairs * SHARE / 4))  # pairs of each kind
    order = np.random.default_rng(0).permutation(pairs)[: 3 * each].tolist()
    edited, moved, deleted = order[:each], order[each : 2 * each], order[2 * each :]
    written = [path for n in edited for path in write_pair(folder, n, version=1)]
    written += [path for n in range(each) for path in write_pair(folder, pairs + n)]
    for number in moved:
        for suffix in ("jpg", "txt"):
            path = _place(folder, number, suffix)
            path.rename(path.with_name(f"moved-{path.name}"))
    for number in deleted:
        for suffix in ("jpg", "txt"):
            _place(folder, number, suffix).unlink()
    counts = dict.fromkeys(("edited", "added", "moved", "deleted"), 2 * each)
    return Changed({content_id(path.read_bytes()) for path in written}, counts)


def index(media: Path, lake: Path) -> dict[str, Any]:
    """`mmindex index` with its server; its result, seconds and the contents that it embedded."""
    before = set(lake.glob("embeddings/*/*/part-*.parquet"))
    command = [sys.executable, "-m", "flows.cli", "index", str(media), "--lake", str(lake)]
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--json", "--device", "cpu"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout)
    parts = sorted(set(lake.glob("embeddings/*/*/part-*.parquet")) - before)
    embedded = [content for path in parts for content in read_record(path).done]
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime, 2),
        "status": result["status"],
        "new": result["new"],
        "stages": result["seconds"],
        "embedded": embedded,
    }


def run(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Make the folder, run three times, and compare."""
    media, lake, pairs = work / "media", work / "lake", options.files // 2
    os.environ["PREFECT_HOME"] = str(work / "prefect")
    for number in range(pairs):
        write_pair(media, number)
    full = index(media, lake)
    changed = change(media, pairs)
    some, none = index(media, lake), index(media, lake)
    wrong = {
        "embedded, and had not to be": len(set(some["embedded"]) - changed.contents),
        "not embedded": len(changed.contents - set(some["embedded"])),
        "embedded twice": len(some["embedded"]) - len(set(some["embedded"])),
        "embedded in the third run": len(none["embedded"]),
    }
    runs = {"full": full, "one per cent": some, "unchanged": none}
    for told in runs.values():
        told["embedded"] = len(told["embedded"])
    ratio = round(some["wall_s"] / full["wall_s"], 4)
    return {"changed": changed.counts, "wrong": wrong, "ratio": ratio, "runs": runs}


def table(found: dict[str, Any], files: int) -> str:
    """The three runs, and what differs from what was changed."""
    lines = ["| run | wall s | of the full run | CPU s | contents embedded | stages, s |"]
    lines.append("|---|---|---|---|---|---|")
    full = found["runs"]["full"]["wall_s"]
    for name, told in found["runs"].items():
        stages = ", ".join(f"{k} {v:.1f}" for k, v in told["stages"].items() if v >= 0.05)  # noqa: PLR2004
        cells = [name, told["wall_s"], f"{told['wall_s'] / full:.1%}", told["cpu_s"]]
        lines.append(f"| {' | '.join(map(str, [*cells, told['embedded'], stages]))} |")
    changed = ", ".join(f"{count} {name}" for name, count in found["changed"].items())
    wrong = ", ".join(f"{count} {name}" for name, count in found["wrong"].items())
    return f"{files} files; {changed}\n\n" + "\n".join(lines) + f"\n\n{wrong}"


def main() -> None:
    """Run and print; the exit status says whether exactly what changed was embedded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="mmindex-percent-"))
    try:
        found = run(options, work)
    finally:
        shutil.rmtree(work)
    print(f"{describe()}\n\n{table(found, options.files)}")
    if options.json:
        told = {"machine": describe(), "files": options.files, **found}
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    sys.exit(1 if any(found["wrong"].values()) else 0)


if __name__ == "__main__":
    main()
