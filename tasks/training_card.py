"""What a trained model says of itself: data, split, what was tried, seed and licences.

``training.json`` and a section of ``card.md`` in the model's folder. They give counts and names of
encoders, never a name, a key or a text of the lake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mmcore.encoders.presets import encoders_of
from mmcore.training.loop.trials import Trial
from tasks.workplace import Workplace

TRAINING: Final = "training.json"
CARD: Final = "card.md"


@dataclass(frozen=True, slots=True)
class Told:
    """How a model came about."""

    snapshot: int | None  # whose rows and cells were learned from
    preset: str
    seed: int
    held_out: float  # share of the captions that were never looked at
    pairs: Mapping[str, int]  # by encoder, or items
    few: Mapping[str, int]  # pairs of encoders that have too few
    licences: Mapping[str, str]  # by encoder
    settings: Mapping[str, Any]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As ``training.json`` has it."""
        return {"trained_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(self)}


def licences_of(work: Workplace) -> dict[str, str]:
    """The licence of each encoder whose vectors are learned from."""
    made = encoders_of(work.preset, work.segmentation, work.runtime)
    return {encoder.key.name: encoder.licence for encoder in made}


def with_card(files: Mapping[str, bytes], told: Told, trials: Sequence[Trial]) -> dict[str, bytes]:
    """The model's files, ``training.json``, and a card that also says how it was trained.

    Its own card tells what was tried.
    """
    record = {**told.to_json(), "trials": [trial.to_json() for trial in trials]}
    card = files.get(CARD, b"").decode().rstrip() + "\n\n" + "\n".join(_card(told)) + "\n"
    return {
        **files,
        TRAINING: json.dumps(record, ensure_ascii=False, indent=1).encode(),
        CARD: card.encode(),
    }


def _card(told: Told) -> list[str]:
    pairs = ", ".join(f"{count:,} of {name}" for name, count in told.pairs.items()) or "none"
    few = ", ".join(f"{count:,} of {name}" for name, count in told.few.items())
    left = f" Too few to learn from: {few}." if few else ""
    licences = ", ".join(f"{name} {licence}" for name, licence in told.licences.items())
    return [
        "## Training",
        "",
        f"- By `mmindex train`, seed {told.seed}, from snapshot {told.snapshot} (preset"
        f" {told.preset}).",
        f"- Data: the lake's own pairs, {pairs}.{left}",
        f"- Split: captions by their hash; {told.held_out:.0%} are held out, with their items, and"
        " were never looked at. What was tried is told apart on parts of the rest.",
        f"- Licences: its inputs are vectors by {licences}, of your own media; it may be used as"
        " all of these may.",
        "- What it scored on the held-out captions: `mmindex models list`, and"
        " `reports/training/`.",
    ]
