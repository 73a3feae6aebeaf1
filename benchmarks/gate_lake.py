"""The lake that the gate is tried on, and the command that works in it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = "stamps"
REPOSITORY = Path(__file__).parents[1]
SETTINGS = (
    "fit.held_out=0.5",
    "evaluation.run_depth=100",  # so that run.trec has all that was ranked
    "evaluation.latency_queries=50",
)
GONE = 10  # items that go in a night; one of the others comes

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything lies, and what was asked for."""

    folder: Path
    given: argparse.Namespace

    @property
    def lake(self) -> Path:
        """The lake of the set; what works in one takes a copy of it."""
        return Path(self.given.lake or self.folder / "lake").resolve()

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
        [*command(plant), *map(str, arguments)],
        cwd=REPOSITORY,
        env=env(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def command(plant: str | None = None) -> list[str]:
    """`mmindex` of this tree, perhaps with a plant."""
    module = ["flows.cli"] if plant is None else ["benchmarks.gate_plants", plant]
    return [sys.executable, "-m", *module]


def env() -> dict[str, str]:
    """Without a server of Prefect's: each run has one of its own."""
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
