"""Workers of a cluster over a slow disk: three against one, with a wait for each file.

    python -m benchmarks.cluster --files 600 --wait 0.05 --json cluster.json

A real Dask scheduler and real worker processes, each with a working folder, cache and home of its
own, over a shared lake; a file takes ``--wait`` seconds to be read in each of them, as from a NAS.
The encoders need no weights, so that the waits are most of the work: the machine has two cores,
and models would share them. The crawl, which reads each file once in the flow's process, waits
for none. Runs of one worker and of all are taken in turn. Lakes have to be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.machine import describe
from flows.orchestration.orchestrator import orchestrated
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.clusters import DaskCluster, dask_cluster
from tests.crashes import contents_of, differences, use_hash_encoders

PRELOAD = "tests.hash_worker"
SHARDS = 4  # of each encoder for each worker: the last ones leave others idle
SEEN = 10.0  # per cent of a core from which another process is told of


def write(folder: Path, files: int) -> None:
    """Half pictures, half captions of theirs; all different."""
    folder.mkdir()
    for number in range(files // 2):
        colour = (number % 256, number // 256 % 256, number // 65_536)
        Image.new("RGB", (16, 16), colour).save(folder / f"{number:06d}.png")
        (folder / f"{number:06d}.txt").write_text(f"Picture number {number}.", "utf-8")


def run(media: Path, lake: Path, cluster: DaskCluster, shard: int) -> dict[str, float]:
    """Index into a new lake; seconds of the whole flow, and of decoding and embedding."""
    from flows.config.cluster import ClusterSpec
    from flows.config.index import IndexConfig
    from flows.index_media import index_media
    from mmcore.specs import EvaluationSpec, FitSpec, PlanSpec, RuntimeSpec

    config = IndexConfig(
        media=(str(media),),
        lake=str(lake),
        preset="hash",
        fit=FitSpec(min_pairs=1, held_out=0, folds=2),
        plan=PlanSpec(shard_contents=shard),
        runtime=RuntimeSpec(device="cpu", isolate=False),
        evaluation=EvaluationSpec(latency_queries=0),
        engine="dask",
        cluster=ClusterSpec(scheduler=cluster.address),
    )
    began = time.monotonic()
    result = index_media(config)
    whole = time.monotonic() - began
    stages = [spent for name, spent in result.seconds.items() if name.startswith("embed")]
    return {"whole": round(whole, 2), "embed": round(max(stages), 2)}


def wait_for(cluster: DaskCluster) -> None:
    """All workers have said hello."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(len(cluster.workers), timeout=120)


def equal(one: Path, other: Path) -> bool:
    """Whether two lakes serve the same rows and vectors."""
    found, expected = (contents_of(Snapshot.open(Layout(lake))) for lake in (one, other))
    return differences(found, expected) == (0, 0, 0)


def busy() -> list[str]:
    """What else takes the processor: commands above a tenth of a core, for the record."""
    listed = subprocess.run(
        ["ps", "-eo", "pcpu,pid,args", "--sort=-pcpu", "--no-headers"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    rows = [line.split(None, 2) for line in listed]
    mine = str(os.getpid())
    return [f"{row[0]} % {row[2][:70]}" for row in rows if float(row[0]) > SEEN and row[1] != mine]


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Runs of one worker and of several, in turn."""
    write(work / "media", options.files)
    shard = max(1, options.files // 2 // (SHARDS * options.workers))
    found: dict[int, list[dict[str, float]]] = {1: [], options.workers: []}
    wait = {"MMTEST_WAIT": str(options.wait)}
    first = work / "1-0" / "lake"
    alike = []
    for turn in range(options.repeat):
        for count, runs in found.items():
            home = work / f"{count}-{turn}"
            with dask_cluster(home / "dask", [""] * count, PRELOAD, wait) as cluster:
                wait_for(cluster)
                runs.append(run(work / "media", home / "lake", cluster, shard))
            alike.append(equal(home / "lake", first))
    medians = {
        count: {of: statistics.median(one[of] for one in runs) for of in ("whole", "embed")}
        for count, runs in found.items()
    }
    one, many = medians[1], medians[options.workers]
    return {
        "machine": describe(),
        "files": options.files,
        "wait": options.wait,
        "shard": shard,
        "runs": {str(count): runs for count, runs in found.items()},
        "times": {of: round(one[of] / many[of], 2) for of in one},
        "alike": all(alike),
    }


def main() -> None:
    """Measure, and say what ran beside."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=600)
    parser.add_argument("--wait", type=float, default=0.05, help="seconds a file")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    use_hash_encoders(setattr, (Modality.TEXT, Modality.IMAGE))
    before = busy()
    with tempfile.TemporaryDirectory() as folder, orchestrated(lambda _: None):
        told = measure(options, Path(folder)) | {"beside": before, "afterwards": busy()}
    text = json.dumps(told, indent=1, ensure_ascii=False)
    if options.json:
        options.json.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
