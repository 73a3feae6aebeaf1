"""The long-tail cut of the public set: what `benchmarks.imbalance` learns from and asks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.stamps import ROOT, SEEDS, Cells, both, halves, load
from mmcore.fusion.pooling import pool
from mmcore.training.balance.features import Features
from storage.schemas import item_id

RATIO = 50
WITHOUT_CAPTION = 1 / 3
HELD_OUT = 1 / 3  # of the fitting half's captions, for choosing


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What is learnt from, cut, and what is asked."""

    items: tuple[int, ...]  # that are learnt from
    train: Features
    asked: Features
    classes: int
    sizes: tuple[int, ...]  # of the classes in ``train``, largest first
    whole: int  # items before the cut


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
