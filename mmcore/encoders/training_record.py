"""What a projection's card says of its training; an index run's fit has no such record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def told(record: Mapping[str, Any]) -> list[str]:
    """Lines of Markdown: the method that won, all trials, pairs, split, seed and licences."""
    if not record:
        return []
    pairs = ", ".join(f"{name} {count}" for name, count in record["pairs"].items())
    most = record["at_most"]
    lines = [
        "",
        "## How it was chosen",
        "",
        f"Method: {record['method']}, seed {record['seed']}. Split: {record['split']}.",
        f"Pairs: {pairs} (at most {most['pairs']} of an encoder, and captions of"
        f" {most['other_items']} other items).",
        "Its vectors are made of the lake's own media, and of the encoders: "
        + ", ".join(f"{name} ({licence})" for name, licence in record["licences"].items())
        + ". It may be passed on as far as all of these may.",
        "",
        "Held-out mean reciprocal ranks (RR) of every way that was tried:",
        "",
        "| way | settings | RR | won |",
        "|---|---|---|---|",
    ]
    return lines + [_line(trial) for trial in record["trials"]]


def _line(trial: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in trial["settings"].items() if value)
    score = trial["scores"].get("RR", "")
    return f"| {trial['name']} | {settings} | {score} | {'yes' if trial['won'] else ''} |"
