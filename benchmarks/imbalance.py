"""What each method against imbalance is worth: a 50:1 long-tail cut of the public set.

    make data && python -m benchmarks.stamps data/stamps
    python -m benchmarks.imbalance data/stamps

Categories as classes, symbols left out; the vectors are the cells of the lake that
`benchmarks.stamps` indexed. For each of five caption-hash splits, the fitting half is cut so that
class sizes fall exponentially, a third of its items lose their captions, so that more than sounds
are missing, and a classifier over frozen cells is trained on it; the other half is scored. Queries
have their picture only, or all they have. Every choice is made inside the fitting half: a third of
its captions is held out before the cut, and on them are chosen, for each split, settings common to
all methods, without any method; over the splits, which methods are combined, and what the
default of `BalanceSpec` should be. Rows of augmented media have a changed copy of each item beside
it, for fewer epochs: as many steps as the others; `benchmarks.augmented` encodes them, once.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.augmented import CHANGES, Copies, copies
from benchmarks.imbalance_cuts import Cut, read
from benchmarks.machine import describe, resources
from mmcore.training.balance.classifier import ClassifierSpec, fit_classifier
from mmcore.training.balance.features import Features
from mmcore.training.balance.spec import BalanceSpec

TRAININGS = 2  # seeds of each row and split; their mean is the split's result

QUERIES: dict[str, tuple[str, ...]] = {
    "picture": ("picture",),
    "all": ("picture", "text", "sound"),
}
METHODS: dict[str, dict[str, Any]] = {
    "none": {},
    "balanced sampling": {"sampling": "balanced"},
    "class-aware sampling": {"sampling": "class-aware"},
    "weighted loss": {"loss": "weighted"},
    "focal loss": {"loss": "focal"},
    "mixup": {"mixup": 1.0},
    "modality dropout": {"modality_dropout": 0.3},
    "GAN for what is missing": {"synthesis": "gan"},
    "mixup for what is missing": {"synthesis": "mixup"},
    "noise on vectors": {"augment": {"feature_noise": 0.5}},
    "flip": {"augment": {"flip": 0.5}},
    "crop": {"augment": {"crop": 0.4}},
    "colour": {"augment": {"colour": 0.4}},
    "SpecAugment": {"augment": {"spec_augment": 0.2}},
    "noise on sounds": {"augment": {"noise": 0.1}},
    "word dropout": {"augment": {"word_dropout": 0.3}},
}
ALIKE = {"balanced sampling", "class-aware sampling", "weighted loss"}  # all classes count alike
PLAIN = {  # nothing, whatever the defaults are
    "sampling": "none",
    "loss": "cross-entropy",
    "mixup": 0.0,
    "modality_dropout": 0.0,
    "synthesis": "none",
}
COMMON: dict[str, Any] = {"epochs": 30, "batch": 64, "rate": 2e-3}
GRID: tuple[dict[str, Any], ...] = ({}, {"dropout": 0.6}, {"weight_decay": 0.5})


@dataclass(frozen=True, slots=True)
class Job:
    """One row in one split: a fit for each seed."""

    split: int
    part: str  # inner | scored
    copies: tuple[str, ...]  # of changed media, by name
    balance: str  # BalanceSpec as JSON
    settings: str  # ClassifierSpec's, as JSON
    trainings: int


def accuracies(truth: torch.Tensor, logits: torch.Tensor) -> dict[str, float]:
    """The mean over the classes that are asked (macro recall), and the share of right answers."""
    right = (logits.argmax(dim=1) == truth).double()
    recalls = [right[truth == one].mean() for one in truth.unique()]
    return {"mean class": float(torch.stack(recalls).mean()), "all": float(right.mean())}


SPLITS: list[dict[str, Cut]] = []  # of this process
CHANGED: Copies = {}  # the same


def begin(splits: list[dict[str, Cut]], changed: Copies) -> None:
    """What a worker keeps: handed over once."""
    torch.set_num_threads(1)
    SPLITS[:] = splits
    CHANGED.update(changed)


def with_copies(split: Cut, names: Sequence[str]) -> Features:
    """What is learnt from, and below it copies of those with the modality that is changed."""
    parts = [split.train]
    for name in names:
        modality = CHANGES[name][0]
        place = {item: n for n, item in enumerate(CHANGED[f"{name}/items"].tolist())}
        there = split.train.has[:, list(split.train.blocks).index(modality)].tolist()
        rows = [n for n, i in enumerate(split.items) if there[n] and i in place]
        part = split.train.take(torch.tensor(rows))
        changed = CHANGED[f"{name}/vectors"][[place[split.items[n]] for n in rows]]
        parts.append(replace(part, blocks={**part.blocks, modality: changed}))
    return Features(
        {name: torch.cat([part.blocks[name] for part in parts]) for name in split.train.blocks},
        torch.cat([part.has for part in parts]),
        torch.cat([part.labels for part in parts]),
    )


def trained(job: Job) -> dict[str, float]:
    """Scores of one row in one split, the mean over the seeds: "query / measure"."""
    split = SPLITS[job.split][job.part]
    train = with_copies(split, job.copies)
    epochs = round(COMMON["epochs"] * len(split.items) / len(train.labels))
    balance = BalanceSpec.model_validate_json(job.balance)
    found: defaultdict[str, list[float]] = defaultdict(list)
    for seed in range(job.trainings):
        settings = {**COMMON, **json.loads(job.settings), "seed": seed, "balance": balance}
        settings["epochs"] = epochs
        fitted = fit_classifier(train, split.classes, ClassifierSpec(**settings))
        for query, names in QUERIES.items():
            scores = accuracies(split.asked.labels, fitted.logits(split.asked.only(*names)))
            for measure, value in scores.items():
                found[f"{query} / {measure}"].append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def chosen_by(scores: Mapping[str, float]) -> float:
    """Mean class accuracy, over both kinds of query."""
    return float(np.mean([scores[f"{query} / mean class"] for query in QUERIES]))


def spec_of(*names: str) -> BalanceSpec:
    """The methods ``names`` and no other."""
    fields: dict[str, Any] = {**PLAIN, "augment": {}}
    for name in names:
        fields |= METHODS[name]
    return BalanceSpec.model_validate(fields)


def job_of(methods: Sequence[str], split: int, part: str, settings: str) -> Job:
    """One row in one split."""
    changed = tuple(name for name in methods if name in CHANGES)
    spec = spec_of(*methods).model_dump_json()
    return Job(split, part, changed, spec, settings, TRAININGS)


class Trainings:
    """Rows by name: their scores in each split, inner and scored, by workers."""

    def __init__(self, pool: ProcessPoolExecutor, splits: int) -> None:
        self.pool, self.splits = pool, range(splits)
        self.settings = ["{}"] * splits
        self.scores: dict[str, dict[str, list[dict[str, float]]]] = {}

    def settle(self) -> None:
        """Choose each split's common settings inside its fitting half, without any method."""
        jobs = [
            Job(split, "inner", (), spec_of().model_dump_json(), json.dumps(settings), TRAININGS)
            for split in self.splits
            for settings in GRID
        ]
        found = [chosen_by(scores) for scores in self.pool.map(trained, jobs)]
        for split in self.splits:
            here = found[split * len(GRID) : (split + 1) * len(GRID)]
            self.settings[split] = json.dumps(GRID[int(np.argmax(here))])

    def run(self, rows: Mapping[str, tuple[str, ...]]) -> None:
        """Train and score the rows, each of some methods."""
        jobs = [
            (name, part, job_of(methods, n, part, self.settings[n]))
            for name, methods in rows.items()
            for part in ("inner", "scored")
            for n in self.splits
        ]
        found = self.pool.map(trained, [job for *_, job in jobs])
        for (name, part, job), scores in zip(jobs, found, strict=True):
            self.scores.setdefault(name, {}).setdefault(part, []).append(scores)
            if part == "scored" and job.split == self.splits[-1]:
                print(f"{name}: {self.inner(name):.3f} inside", file=sys.stderr, flush=True)

    def inner(self, name: str) -> float:
        """What a row is chosen by: inside the fitting halves, over the splits."""
        return float(np.mean([chosen_by(scores) for scores in self.scores[name]["inner"]]))


def pairs_of_best(trainings: Trainings) -> list[tuple[str, str]]:
    """The two best single methods that can go together; and that do not aim at the same.

    Methods go together by other fields of the spec. Where the two both make classes count alike,
    they do so twice over: then there is a second pair of which only one does.
    """
    order = sorted((n for n in METHODS if n != "none"), key=trainings.inner, reverse=True)
    allowed = [
        pair
        for pair in combinations(order, 2)
        if not METHODS[pair[0]].keys() & METHODS[pair[1]].keys()
    ]
    allowed.sort(key=lambda pair: order.index(pair[0]) + order.index(pair[1]))
    other = next(pair for pair in allowed if not ALIKE.issuperset(pair))
    return list(dict.fromkeys((allowed[0], other)))


def table(trainings: Trainings, winner: str) -> str:
    """Markdown: mean ± deviation over the splits; the winner by the inner result in bold."""
    asked = [f"{query} / {measure}" for query in QUERIES for measure in ("mean class", "all")]
    lines = [
        "| method | inner: mean class | picture: mean class | picture: all | all there: mean class"
        " | all there: all |",
        "|---|---|---|---|---|---|",
    ]
    for name, parts in trainings.scores.items():
        columns = [[chosen_by(scores) for scores in parts["inner"]]]
        columns += [[scores[one] for scores in parts["scored"]] for one in asked]
        shown = " | ".join(f"{np.mean(of):.3f} ± {np.std(of):.3f}" for of in columns)
        lines.append(f"| {f'**{name}**' if name == winner else name} | {shown} |")
    return "\n".join(lines)


def measured(
    splits: list[dict[str, Cut]], changed: Copies
) -> tuple[Trainings, dict[str, BalanceSpec]]:
    """All rows, the combinations last, by two processes."""
    rows: dict[str, tuple[str, ...]] = {name: (name,) for name in METHODS}
    spawn = get_context("spawn")
    with ProcessPoolExecutor(2, spawn, initializer=begin, initargs=(splits, changed)) as pool:
        trainings = Trainings(pool, len(splits))
        trainings.settle()
        trainings.run(rows)
        pairs = {" + ".join(pair): pair for pair in pairs_of_best(trainings)}
        trainings.run(pairs)
    return trainings, {name: spec_of(*methods) for name, methods in (rows | pairs).items()}


def main() -> None:
    """Train all rows, print one table and write a JSON beside the data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="what benchmarks.stamps was run on")
    parser.add_argument("--splits", type=int, help="the first ones only, for a quick look")
    given = parser.parse_args()
    data, began = given.data, time.monotonic()
    changed = copies(data)
    encoded = round(time.monotonic() - began)
    splits = read(data)[: given.splits]
    trainings, rows = measured(splits, changed)
    winner = max(rows, key=trainings.inner)
    seconds = round(time.monotonic() - began)
    sizes = [[len(split["scored"].train.labels), split["scored"].whole] for split in splits]
    ratios = [f"{s['scored'].sizes[0]}:{s['scored'].sizes[-1]}" for s in splits]
    print(describe())
    print(
        f"{seconds} s, {encoded} of them for changed media; {resources()};"
        f" items kept, of: {sizes}; head to tail: {ratios}"
    )
    print(f"settings by split: {trainings.settings}")
    print(table(trainings, winner))
    default = "is" if BalanceSpec() == rows[winner] else "IS NOT"
    print(f"best inside the fitting halves: {winner}; the default of BalanceSpec {default} this")
    written = {
        "machine": describe(),
        "seconds": seconds,
        "kept_of": sizes,
        "sizes": [split["scored"].sizes for split in splits],
        "settings": trainings.settings,
        "winner": winner,
        "default": BalanceSpec().model_dump(mode="json"),
        "rows": {name: spec.model_dump(mode="json") for name, spec in rows.items()},
        "scores": trainings.scores,
    }
    (data / "imbalance.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
