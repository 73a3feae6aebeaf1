"""JPEGs of 1.2 MP to arrays that a network takes: the whole way, beside a bare loop.

    python -m benchmarks.jpeg_rate --json jpeg_rate.json

In turn, several times, on the same cores, over pictures made anew: smooth noise over a gradient,
of 200 to 300 KB each.

- bare: `Image.open`, `draft`, `convert`, `resize` (bicubic) onto a white square, in as many
  processes as there are cores, which keep nothing;
- ours: what a run's tasks call, `mmcore.decoding.prepare.prepare`: worker processes, limits and
  checks of the file, colours, orientation, arrays written to the staging folder; once without
  thumbnails and once with those of the default settings.

Both have started their processes before the clock runs. A ratio is bare ÷ ours, of wall or of CPU
seconds: 1 is as fast as the loop.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import describe
from mmcore.decoding.prepare import prepare
from mmcore.encoders.presets import encoders_of
from mmcore.specs import LimitsSpec, PlanSpec, RuntimeSpec, SegmentationSpec, StorageSpec
from mmcore.types import Content, Shard
from storage.schemas import Modality, content_id

WIDTH, HEIGHT = 1280, 960
SIDE = 224
GOAL = 0.9
SHARD = PlanSpec().shard_contents  # pictures


def photograph(number: int) -> Image.Image:
    """A picture with as much detail as a photograph: noise of several sizes over a gradient."""
    rng = np.random.default_rng(number)
    canvas = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    for cells, strength in ((4, 90), (24, 40), (160, 22), (640, 15)):
        small = rng.normal(0, strength, (cells * 3 // 4, cells, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(small[:, :, channel])
            grown = layer.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            canvas[:, :, channel] += np.asarray(grown)
    return Image.fromarray(np.clip(canvas + 128, 0, 255).astype(np.uint8))


def make(folder: Path, count: int) -> list[Path]:
    """Write the pictures."""
    paths = []
    for number in range(count):
        paths.append(folder / f"{number:04d}.jpg")
        photograph(number).save(paths[-1], quality=80)
    return paths


def bare(path: str) -> NDArray[np.uint8]:
    """What any loop has to do: (224, 224, 3) uint8."""
    with Image.open(path) as image:
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        picture = image.convert("RGB")
    scale = SIDE / max(picture.size)
    inner = (round(picture.width * scale), round(picture.height * scale))
    canvas = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    resized = picture.resize(inner, Image.Resampling.BICUBIC)
    canvas.paste(resized, ((SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2))
    return np.asarray(canvas)


def bare_all(paths: Sequence[str]) -> int:
    """The loop over some pictures; how many arrays it made."""
    return sum(bare(path).shape == (SIDE, SIDE, 3) for path in paths)


def shards(paths: Sequence[Path]) -> list[Shard]:
    """The pictures as a run's plan cuts them."""
    (encoder,) = (
        one
        for one in encoders_of("embedded", SegmentationSpec(), RuntimeSpec(device="cpu"))
        if one.key.modality is Modality.IMAGE
    )
    contents = []
    for path in paths:
        data, stamp = path.read_bytes(), path.stat().st_mtime_ns
        what = (content_id(data), Modality.IMAGE, "image/jpeg", len(data))
        contents.append(Content(*what, "media", path.name, str(path), mtime_ns=stamp))
    return [
        Shard(encoder.key, tuple(contents[start : start + SHARD]))
        for start in range(0, len(contents), SHARD)
    ]


def ours_all(found: Sequence[Shard], threads: ThreadPoolExecutor, work: Path, side: int) -> int:
    """Prepare all shards, as many at once as there are cores, and discard them."""

    def one(shard: Shard) -> int:
        prepared = prepare(
            shard,
            SegmentationSpec(),
            LimitsSpec.model_validate({}),
            RuntimeSpec(device="cpu"),
            work,
            thumbnail_side=side,
        )
        prepared.discard()
        return prepared.count

    return sum(threads.map(one, found))


def cpu_seconds() -> float:
    """CPU time of this process and of all below it that live."""
    root = psutil.Process()
    times = [process.cpu_times() for process in [root, *root.children(recursive=True)]]
    return float(sum(one.user + one.system for one in times))


def timed(work: Callable[[], int], count: int) -> dict[str, float]:
    """Wall and CPU seconds of one round, which has to make ``count`` arrays."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    made = work()
    told = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu}
    if made != count:
        raise SystemExit(f"{made} arrays of {count} pictures")
    return told


def measure(options: argparse.Namespace, work: Path) -> dict[str, list[dict[str, float]]]:
    """All three, in turn."""
    (work / "media").mkdir()
    paths = make(work / "media", options.count)
    size = sum(path.stat().st_size for path in paths) / len(paths)
    print(
        f"{describe()}; {len(paths)} pictures of {size / 1000:.0f} KB, {options.cores} at once\n"
    )
    found, names = shards(paths), [str(path) for path in paths]
    parts = [names[start :: options.cores * 4] for start in range(options.cores * 4)]
    side = StorageSpec().thumbnail_side
    spawned = ProcessPoolExecutor(options.cores, mp_context=get_context("spawn"))
    with spawned as processes, ThreadPoolExecutor(options.cores) as threads:
        rounds: dict[str, Callable[[], int]] = {
            "bare": lambda: sum(processes.map(bare_all, parts)),
            "ours": lambda: ours_all(found, threads, work / "staging", 0),
            "ours, thumbnails": lambda: ours_all(found, threads, work / "staging", side),
        }
        for warm in rounds.values():
            warm()
        told: dict[str, list[dict[str, float]]] = {name: [] for name in rounds}
        for _ in range(options.repeats):
            for name, one in rounds.items():
                told[name].append(timed(one, len(paths)))
    return told


def table(told: dict[str, list[dict[str, float]]], count: int) -> tuple[str, dict[str, Any]]:
    """Medians, and of the ratios of each round the median; the last also as figures."""
    lines = [
        "| what | pictures/s | CPU ms a picture | bare ÷ it, wall | bare ÷ it, CPU |",
        "|---|---|---|---|---|",
    ]
    figures: dict[str, Any] = {}
    for name, runs in told.items():
        wall, cpu = (median(run[key] for run in runs) for key in ("wall_s", "cpu_s"))
        by_wall, by_cpu = (
            median(base[key] / run[key] for base, run in zip(told["bare"], runs, strict=True))
            for key in ("wall_s", "cpu_s")
        )
        figures[name] = {"by_wall": round(by_wall, 3), "by_cpu": round(by_cpu, 3), "runs": runs}
        lines.append(
            f"| {name} | {count / wall:.0f} | {1000 * cpu / count:.2f} | {by_wall:.2f}"
            f" | {by_cpu:.2f} |"
        )
    lines.append(f"\ngoal: ≥ {GOAL} of the bare loop")
    return "\n".join(lines), figures


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=512, help="pictures")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="jpeg-rate-")).resolve()
    try:
        told = measure(options, work)
    finally:
        shutil.rmtree(work)
    shown, figures = table(told, options.count)
    print(shown)
    if options.json:
        options.json.write_text(json.dumps({"machine": describe()} | figures, indent=1))


if __name__ == "__main__":
    main()
