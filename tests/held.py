"""A run, or a command, that holds at a place: `python -m tests.held` for `flows.commands.up.run`.

``MMTEST_HOLD=PLACE:SECONDS:NOTE``: at the place it writes "held" into the note, and stays for as
long as the note is there, SECONDS at most. Places:

- ``crawl``, ``evaluate``, ``maintain``, ``train``: before that stage, in Python;
- ``index``: in the building of an index, in FAISS, which hears no signal meanwhile;
- ``embed``: the model of each shard takes so many seconds (the note stays where it is);
- ``lock``: nowhere; the run says that it waits for the lock.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HOLD: Final = "MMTEST_HOLD"
PLACES: Final = {
    "crawl": ("flows.stages.finding", "crawl_roots"),
    "index": ("flows.stages.assembling", "build_indexes"),
    "evaluate": ("flows.stages.writing", "finish"),
    "maintain": ("flows.stages.writing", "finish"),
    "train": ("flows.stages.writing", "finish"),
    "embed": ("tasks.embed", "embed"),
    "lock": ("flows.index_media", "workplace"),
}


def _noted(note: Path) -> None:
    note.write_text("held")


def _in_python(note: Path, until: float) -> None:
    _noted(note)
    while note.exists() and time.monotonic() < until:
        time.sleep(0.05)


def _in_faiss(note: Path, until: float) -> None:
    """Clusters of random vectors, each for some seconds within one call."""
    import faiss
    import numpy as np

    vectors = np.random.default_rng(0).standard_normal((60_000, 64)).astype(np.float32)
    faiss.omp_set_num_threads(1)
    _noted(note)
    while note.exists() and time.monotonic() < until:
        faiss.Kmeans(64, 1024, niter=20, max_points_per_centroid=100).train(vectors)


def hold(place: str, seconds: float, note: Path) -> None:
    """Let this process hold at ``place``."""
    module = importlib.import_module(PLACES[place][0])
    function: Callable[..., Any] = getattr(module, PLACES[place][1])
    holds = _in_faiss if place == "index" else _in_python

    def held(*arguments: Any, **options: Any) -> Any:
        if place == "lock":
            _noted(note)
        elif place == "embed":
            _noted(note)
            time.sleep(seconds)
        else:
            holds(note, time.monotonic() + seconds)
        return function(*arguments, **options)

    setattr(module, PLACES[place][1], held)


def main() -> None:
    """What `flows.commands.up.run` does, or `mmindex`."""
    if told := os.environ.get(HOLD):
        place, seconds, note = told.split(":", 2)
        hold(place, float(seconds), Path(note))
    if sys.argv[1:2] == ["cli"]:
        from flows.cli import main as command

        sys.argv[0:2] = ["mmindex"]
        command()
        return
    runpy.run_module("flows.commands.up.run", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
