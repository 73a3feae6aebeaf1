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
import hashlib
import json
import sys
import time
from collections import Counter, defaultdict
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
from benchmarks.machine import describe, resources
from benchmarks.stamps import ROOT, SEEDS, Cells, both, halves, load
from mmcore.fusion.pooling import pool
from mmcore.training.balance.classifier import ClassifierSpec, fit_classifier
from mmcore.training.balance.features import Features
from mmcore.training.balance.spec import BalanceSpec
from storage.schemas import item_id

RATIO = 50
TRAININGS = 2  # seeds of each row and split; their mean is the split's result
WITHOUT_CAPTION = 1 / 3
HELD_OUT = 1 / 3  # of the fitting half's captions, for choosing
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


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What is learnt from, cut, and what is asked."""

    items: tuple[int, ...]  # that are learnt from
    train: Features
    asked: Features
    classes: int
    sizes: tuple[int, ...]  # of the classes in ``train``, largest first
    whole: int  # items before the cut


@dataclass(frozen=True, slots=True)
class Job:
    """One row in one split: a fit for each seed."""

    split: int
    part: str  # inner | scored
    copies: tuple[str, ...]  # of changed media, by name
    balance: str  # BalanceSpec as JSON
    settings: str  # ClassifierSpec's, as JSON
    trainings: int


def cut(
    cells: Cells, categories: Mapping[int, str], parts: tuple[set[int], set[int]], seed: int
) -> Cut:
    """The items to fit on, of the classes that both parts have, cut; and those that are asked."""
    fit, asked = of_common_classes(categories, parts)
    classes = sorted({categories[i] for i in fit})
    kept = long_tail(categories, fit, seed)
    items = sorted(fit | asked)
    every = features(cells, items, torch.tensor([classes.index(categories[i]) for i in items]))
    train = every.take(places(items, kept))
    told = [has_caption(i, seed) for i in items if i in kept]
    train.has[:, list(train.blocks).index("text")] &= torch.tensor(told)
    sizes = sorted(Counter(categories[i] for i in kept).values(), reverse=True)
    return Cut(
        tuple(i for i in items if i in kept),
        train,
        every.take(places(items, asked)),
        len(classes),
        tuple(sizes),
        len(fit),
    )


def of_common_classes(
    categories: Mapping[int, str], parts: tuple[set[int], set[int]]
) -> tuple[set[int], set[int]]:
    """The items of both parts whose category both of them have."""
    one, other = ({i for i in part if i in categories} for part in parts)
    classes = {categories[i] for i in one} & {categories[i] for i in other}
    one, other = ({i for i in part if categories[i] in classes} for part in (one, other))
    return one, other


def has_caption(item: int, seed: int) -> bool:
    """Whether an item that is learnt from keeps its captions."""
    return share(f"caption/{seed}/{item}") >= WITHOUT_CAPTION


def inner_parts(cells: Cells, seed: int) -> tuple[set[int], set[int]]:
    """The fitting half, and the third of it by which choices are made."""
    fit, _ = halves(cells, seed)
    held = {i for i in fit if share(f"inner/{seed}/{cells.caption_keys[i]}") < HELD_OUT}
    return fit - held, held


def cuts(cells: Cells, categories: Mapping[int, str], seed: int) -> dict[str, Cut]:
    """By part: ``inner``, both sides in the fitting half, and ``scored``."""
    return {
        "inner": cut(cells, categories, inner_parts(cells, seed), seed),
        "scored": cut(cells, categories, halves(cells, seed), seed),
    }


def features(cells: Cells, items: Sequence[int], labels: torch.Tensor) -> Features:
    """One vector of each modality for each item: the mean of its segments'."""
    ids = np.array(items, dtype=np.int64)
    texts = both(cells.english, cells.chinese)
    blocks, has = {}, []
    for name, rows in (("picture", cells.pictures), ("text", texts), ("sound", cells.sounds)):
        known = np.isin(ids, rows.item_ids)
        block = np.zeros((len(ids), rows.vectors.shape[1]), dtype=np.float32)
        block[known], _ = pool(ids[known], rows.item_ids, rows.vectors)
        blocks[name] = torch.from_numpy(block)
        has.append(torch.from_numpy(known))
    return Features(blocks, torch.stack(has, dim=1), labels)


def places(items: Sequence[int], wanted: set[int]) -> torch.Tensor:
    """Where the wanted items stand."""
    return torch.tensor([place for place, item in enumerate(items) if item in wanted])


def share(key: str) -> float:
    """A number in 0..1 by the hash of ``key``."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:12], 16) / 16**12


def long_tail(categories: Mapping[int, str], fit: set[int], seed: int) -> set[int]:
    """The items kept: of class k of K, head · 50^(−k / (K − 1)) or all that there are.

    Classes go by size; the head is the largest multiple of 50 that the largest class allows. Which
    items stay is told by a hash.
    """
    of: defaultdict[str, list[int]] = defaultdict(list)
    for item in sorted(fit, key=lambda i: share(f"kept/{seed}/{i}")):
        of[categories[item]].append(item)
    order = sorted(of, key=lambda name: (-len(of[name]), name))
    head = max(1, len(of[order[0]]) // RATIO) * RATIO
    kept: set[int] = set()
    for place, name in enumerate(order):
        kept.update(of[name][: max(1, round(head * RATIO ** (-place / (len(order) - 1))))])
    return kept


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


def read(data: Path) -> list[dict[str, Cut]]:
    """The cuts of all splits."""
    pairs = pairs_of(data)
    cells = load(data / "lake", pairs)
    return [cuts(cells, categories_of(pairs), seed) for seed in SEEDS]


def pairs_of(data: Path) -> list[dict[str, Any]]:
    """The items of the set, with their files."""
    return [json.loads(line) for line in (data / "pairs.jsonl").read_text("utf-8").splitlines()]


def categories_of(pairs: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The category of each item that is no symbol."""
    return {
        item_id(ROOT, str(pair["id"])): str(pair["category"])
        for pair in pairs
        if pair["group"] != "symbols"
    }


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
    data = parser.parse_args().data
    began = time.monotonic()
    changed = copies(data)
    encoded = round(time.monotonic() - began)
    splits = read(data)
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
