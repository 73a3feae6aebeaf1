"""The folder that a training writes: weights, words, curves, and a card for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.families.towers_folder import CONFIG, VOCABULARY, TowersConfig
from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.training.loop.curves import Point, plot
from mmcore.training.towers.spec import TowersSpec

TRAINING: Final = "training.json"
HISTORY: Final = "history.json"
CURVES: Final = "curves.svg"
CARD: Final = "README.md"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a training when it has ended."""

    spec: TowersSpec
    items: Mapping[str, int]  # by split
    classes: tuple[str, ...]
    points: tuple[Point, ...]
    best_epoch: int
    scores: Mapping[str, float]  # of the test split
    seconds: float
    parameters: int
    counts: Mapping[str, Any]  # by split: labels, modalities, what was dropped, what is unreadable
    completed: Mapping[str, Any]  # what came of features that were made; empty: none were

    def to_json(self) -> dict[str, Any]:
        """As ``training.json`` has it."""
        return {
            "spec": self.spec.model_dump(mode="json"),
            "items": dict(self.items),
            "classes": list(self.classes),
            "epochs": len(self.points),
            "best_epoch": self.best_epoch,
            "test": dict(self.scores),
            "seconds": round(self.seconds, 1),
            "parameters": self.parameters,
            "counts": dict(self.counts),
            "completed": dict(self.completed),
        }


def config_of(spec: TowersSpec, vocabulary: Vocabulary, classes: tuple[str, ...]) -> TowersConfig:
    """What ``config.json`` will say."""
    shape = spec.network
    return TowersConfig(
        side=spec.dataset.side,
        words=len(vocabulary),
        longest=shape.longest,
        pictures=shape.pictures,
        sounds=shape.sounds,
        embedding=shape.embedding,
        hidden=shape.hidden,
        features=shape.features,
        dim=shape.dim,
        classes=classes,
    )


def write(folder: Path, config: TowersConfig, vocabulary: Vocabulary, told: Told) -> None:
    """All but the weights, into a folder that is there."""
    _json(folder / CONFIG, config.model_dump(mode="json"))
    vocabulary.write(folder / VOCABULARY)
    _json(folder / TRAINING, told.to_json())
    _json(folder / HISTORY, [point.to_json() for point in told.points])
    (folder / CURVES).write_bytes(plot(told.points, "Three towers"))
    (folder / CARD).write_text(_card(config, told), "utf-8")


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _card(config: TowersConfig, told: Told) -> str:
    spec, items = told.spec, told.items
    counts = ", ".join(f"{count} {name}" for name, count in items.items())
    lines = [
        *("---", f"license: {spec.licence}", "---", "# Three towers", ""),
        f"Pictures of {config.side} × {config.side} (CNN), texts of {config.words - 2} words"
        f" (embedding {config.embedding}, GRU {config.hidden} both ways) and sounds at 16 kHz"
        f" (Conv1d over the waveform), in one space of {config.dim} dimensions;"
        f" {told.parameters:,} parameters. Trained end to end by mmindex; loaded by `--preset"
        " towers:FOLDER`. `vocab.txt` lists words of the texts: mind whom it is given to.",
        "",
        f"- objective: {spec.objective}; classes: {', '.join(told.classes) or 'none'}",
        f"- items: {counts}",
        f"- epochs: {len(told.points)}, the weights are those of epoch {told.best_epoch}",
        f"- seed: {spec.seed}",
        *_completed(told),
        *("", "![curves](curves.svg)", ""),
    ]
    if told.scores:
        lines += ["On the test split, of which nothing was learnt:", "", "| | |", "|---|---|"]
        lines += [f"| {name} | {value:.3f} |" for name, value in told.scores.items()]
    return "\n".join(lines) + "\n"


def _completed(told: Told) -> list[str]:
    if not told.completed:
        return []
    made = ", ".join(f"{count} {name}" for name, count in told.completed["made"].items())
    return [
        f"- features made for what is missing ({told.spec.balance.synthesis}): {made or 'none'};"
        f" the head of classes is that of epoch {told.completed['epoch']} upon them"
    ]
