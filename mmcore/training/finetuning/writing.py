"""The folder of a fine-tuned model: weights in the preset's own format, its files, a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from mmcore.counting import number_of
from mmcore.encoders.weights.folder import INDEX, PICKLES, SAFE, Folder
from mmcore.training.dataset.splits import SPLITS
from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.training.loop.curves import Point, plot

TRAINING: Final = "training.json"
CURVES: Final = "curves.svg"
CARD: Final = "README.md"


@dataclass(frozen=True, slots=True)
class Told:
    """What the card says of a training."""

    preset: str
    base: str  # an id, or a folder's name
    base_digest: str
    licence: str
    spec: FinetuneSpec
    objective: str
    learnt: int  # numbers that learn
    counts: Mapping[str, Any]
    before: Mapping[str, float]
    after: Mapping[str, float]
    best: int
    points: tuple[Point, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``training.json`` has it."""
        software = ("torch", "transformers", "peft" if self.spec.method == "lora" else "numpy")
        return {
            "preset": self.preset,
            "base": {"name": self.base, "digest": self.base_digest},
            "licence": self.licence,
            "objective": self.objective,
            "learnt": self.learnt,
            "spec": self.spec.model_dump(mode="json"),
            "data": dict(self.counts),
            "held_out": {"before": dict(self.before), "after": dict(self.after)},
            "best_epoch": self.best,
            "epochs": [point.to_json() for point in self.points],
            "software": {name: version(name) for name in software},
        }


def copy_files(base: Folder, to: Path) -> None:
    """The files of the base that decide vectors, but for weights; over what is there."""
    for name in base.files:
        if not name.endswith((SAFE, *PICKLES)) and name != INDEX:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(base.path / name, to / name)


def write_card(told: Told, to: Path) -> None:
    """``README.md``, ``training.json`` and ``curves.svg``."""
    (to / TRAINING).write_text(
        json.dumps(told.to_json(), indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    (to / CURVES).write_bytes(plot(told.points[1:] or told.points, f"{told.preset}, fine-tuned"))
    (to / CARD).write_text(_card(told), "utf-8")


def _card(told: Told) -> str:
    spec, counts = told.spec, told.counts
    how = (
        f"LoRA of rank {spec.rank} (alpha {spec.alpha}), merged into the weights"
        if spec.method == "lora"
        else f"the last {spec.blocks} blocks of both towers, and what comes behind them"
    )
    split = ", ".join(
        f"{number_of(counts['items'][name], 'item')} with"
        f" {number_of(counts['captions'][name], 'caption')} ({name})"
        for name in SPLITS
    )
    left = ", ".join(f"{count} {why}" for why, count in counts["left_out"].items() if count)
    rows = "\n".join(
        f"| {name} | {value:.4f} | {told.after[name]:.4f} |" for name, value in told.before.items()
    )
    return (
        f"---\nlicense: {told.licence}\n---\n"
        f"# {told.base}, fine-tuned\n\n"
        f"Weights of the preset `{told.preset}`, made by mmindex of `{told.base}` (digest"
        f" `{told.base_digest}`), whose licence they keep unless another was named.\n\n"
        f"- method: {how}; {told.learnt:,} numbers learnt\n"
        f"- objective: {told.objective}, batches of {spec.batch_size}\n"
        f"- pairs, split by caption: {split}\n"
        f"- left out: {left or 'nothing'}\n"
        f"- epochs: {len(told.points) - 1}, the best by the validation pairs {told.best}\n"
        f"- seed: {spec.seed}\n\n"
        f"On the {counts['items']['test']} test items, which no step and no stop has seen, among"
        " themselves:\n\n"
        f"| measure | before | after |\n|---|---|---|\n{rows}\n"
    )
