"""Small lakes that are indexed, judged and indexed again, in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PIL import Image

from flows import evaluate_retrieval
from flows.commands.evaluate import command as evaluation  # noqa: F401
from flows.config.evaluate import EvaluateConfig, EvaluateResult
from flows.config.index import IndexResult
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.specs import EvaluationSpec, FitSpec
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import crashes, media
from tests.fakes import hashed
from tests.forgetting import move
from tests.lakes import COLOURS, ColourEncoder

HERE = {"device": "cpu", "isolate": False}
OFF = GateSpec(enabled=False)
SPECS = {
    "fit": FitSpec(min_pairs=1, held_out=0.5, folds=2),
    "evaluation": EvaluationSpec(min_queries=5, latency_queries=0),
}


class Blind(ColourEncoder):
    """A picture tower that sees nothing, where it is not version 1: its vectors are noise."""

    def _row(self, one: Any) -> Any:
        if self.key.modality is Modality.TEXT or self.version == 1:
            return super()._row(one)
        return hashed(b"blind" + one.tobytes(), 32)

    def __init__(self, modality: Modality, *, version: int = 1, **options: Any) -> None:
        self.version = version
        super().__init__(modality, version=version, **options)


@dataclass
class Nights:
    """A folder of coloured pictures with captions, and its lake."""

    folder: Path
    index_once: Callable[..., IndexResult]
    versions: dict[Modality, int] = field(default_factory=dict)
    where: str = ""  # of the lake, where it is not beside the folder

    @property
    def lake(self) -> Layout:
        """The lake."""
        return Layout(place_of(self.where or str(self.folder.parent / "lake")))

    def add(self, first: int, count: int) -> None:
        """More items, by number: picture, English and Chinese caption."""
        for number in range(first, first + count):
            colour = list(COLOURS)[number % len(COLOURS)]
            picture = Image.new("RGB", (16, 16), COLOURS[colour][1])
            picture.putpixel((number % 16, number // 16 % 16), (number % 256, 7, 9))
            name = f"{colour}{number}"
            media.png(self.folder / f"{name}.png", picture)
            media.text(self.folder / f"{name}.txt", f"A {colour} wall, the {number}th.")
            media.text(self.folder / f"{name}.zh.txt", f"第{number}面{COLOURS[colour][0]}色的墙。")

    def snapshot(self) -> Snapshot:
        """What serves."""
        return Snapshot.open(self.lake)

    def first(self) -> None:
        """The first night of the items: made once a process, and copied for all others."""
        kept, here = Path(_kept().name), self.folder.parent
        if (kept / "lake").exists():
            shutil.rmtree(self.folder)
            shutil.copytree(kept / "media", self.folder)
            shutil.copytree(kept / "lake", here / "lake")
            move(here / "lake", (kept / "place").read_text(), self.folder)
        else:
            self.index()
            shutil.copytree(self.folder, kept / "media")
            shutil.copytree(here / "lake", kept / "lake")
            (kept / "place").write_text(str(self.folder))

    def index(self, **options: Any) -> IndexResult:
        """One night."""
        return self.index_once(self.folder, self.lake.root, **SPECS | options)

    def worsen(self) -> None:
        """From now on the picture tower sees nothing."""
        self.versions[Modality.IMAGE] = 2

    def mend(self) -> None:
        """From now on it is what it was."""
        self.versions[Modality.IMAGE] = 1

    def evaluate(self, **options: Any) -> EvaluateResult:
        """`mmindex evaluate`."""
        told = {"lake": str(self.lake.root), "runtime": HERE}
        return evaluate_retrieval.evaluate_retrieval.fn(EvaluateConfig(**told | options))


@cache
def _kept() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="nights-")


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Twenty-four items, not yet indexed."""
    versions: dict[Modality, int] = {}

    def maker(modality: Modality) -> Callable[..., ColourEncoder]:
        return lambda cut: Blind(modality, segmentation=cut, version=versions.get(modality, 1))

    makers = {f"hash-{m}": maker(m) for m in (Modality.TEXT, Modality.IMAGE)}
    index = crashes.plain_index(monkeypatch, makers=makers)
    found = Nights(tmp_path / "media", index, versions)
    found.add(0, 24)
    return found


@pytest.fixture
def worse(nights: Nights) -> Nights:
    """Two nights; the second one is worse, and was published since the gate was off."""
    nights.first()
    nights.worsen()
    nights.index(gate=OFF)
    return nights
