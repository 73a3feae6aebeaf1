"""What each method against imbalance is worth to the three towers: a 50:1 long-tail cut.

    make data && python -m benchmarks.stamps data/stamps
    python -m benchmarks.imbalance_towers data/stamps

The items, categories and cuts are those of the inner thirds of `benchmarks.imbalance`: a third of
a fitting half's captions is held out, the rest is cut so that class sizes fall exponentially, and
a third of what stays loses its captions. Small towers are trained on the media themselves by
`train_retrieval_model`, for as many epochs in each row, without a validation split; the last
weights are scored. Items that the dataset drops, since they have a caption or a file in common
with a held-out one, are counted. Queries have their picture only, or all they have. All rows of a
split and a seed begin with the same weights. The scored halves are not looked at. One thread.

The two rows of synthesis train the head of classes for some epochs more than the others, on the
towers of "none"; one row more does the same with nothing made: compare them with it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.imbalance import PLAIN, chosen_by
from benchmarks.imbalance_cuts import (
    categories_of,
    has_caption,
    inner_parts,
    long_tail,
    of_common_classes,
    pairs_of,
)
from benchmarks.machine import describe, resources
from benchmarks.stamps import ROOT, load
from mmcore.encoders.families.towers_folder import read_config, read_network, read_vocabulary
from mmcore.encoders.families.towers_network import Towers
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.loop.scores import accuracies
from mmcore.training.towers.batches import Batches
from mmcore.training.towers.completing import complete
from mmcore.training.towers.evaluate import read_spec
from mmcore.training.towers.measure import seen
from mmcore.training.towers.objective import Objective
from mmcore.training.towers.spec import TowersSpec
from mmcore.training.towers.train import sizes, train_retrieval_model
from storage.schemas import item_id

SPLITS = 3  # of the five that `benchmarks.imbalance` has
TRAININGS = 2  # seeds of each row and split; their mean is the split's result
HEAD = "head trained on, nothing made"  # what the rows of synthesis are to be compared with
METHODS: dict[str, dict[str, Any]] = {
    "none": {},
    HEAD: {},
    "GAN for what is missing": {"synthesis": "gan"},
    "mixup for what is missing": {"synthesis": "mixup"},
    "balanced sampling": {"sampling": "balanced"},
    "class-aware sampling": {"sampling": "class-aware"},
    "weighted loss": {"loss": "weighted"},
    "focal loss": {"loss": "focal"},
    "mixup": {"mixup": 1.0},
    "modality dropout": {"modality_dropout": 0.3},
    "flip": {"augment": {"flip": 0.5}},
    "crop": {"augment": {"crop": 0.4}},
    "colour": {"augment": {"colour": 0.4}},
    "SpecAugment": {"augment": {"spec_augment": 0.2}},
    "noise on sounds": {"augment": {"noise": 0.1}},
    "word dropout": {"augment": {"word_dropout": 0.3}},
}
SETTINGS: dict[str, Any] = {
    "epochs": 24,
    "batch_size": 32,
    "rate": 2e-3,
    "checkpoint": 0,
    "device": "cpu",
    "network": {
        "pictures": (16, 32, 64),
        "sounds": (32, 32),
        "embedding": 64,
        "hidden": 48,
        "features": 128,
        "dim": 64,
        "least": 1,
    },
    "dataset": {"side": 40, "seconds": 1.5, "validation": 0.0, "labels": "manifest"},
}
QUERIES = {"picture": (True, False, False), "all": (True, True, True)}


def media_of(data: Path, to: Path, seed: int) -> dict[str, Any]:
    """Write a folder with the cut's files, and a manifest of labels and splits; what it has."""
    pairs = pairs_of(data)
    categories = categories_of(pairs)
    fit, asked = of_common_classes(categories, inner_parts(load(data / "lake", pairs), seed))
    kept = long_tail(categories, fit, seed)
    lines = []
    for pair in pairs:
        own = item_id(ROOT, str(pair["id"]))
        if own not in kept | asked:
            continue
        split = "train" if own in kept else "test"
        for path in files_of(pair, captions=split == "test" or has_caption(own, seed)):
            lines.append({"item": pair["id"], "path": path, "label": pair["category"]})
            lines[-1]["split"] = split
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / "media" / path, to / path)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (to / "manifest.jsonl").write_text(text, "utf-8")
    counts = MultiModalDataset(to, "train", TowersSpec(**SETTINGS).dataset).counts()
    sizes = sorted((count for count in counts["labels"].values() if count), reverse=True)
    return {"kept": len(kept), "asked": len(asked), "sizes": sizes, **counts}


def files_of(pair: Mapping[str, Any], *, captions: bool) -> list[str]:
    """The files of an item: its picture, its captions, and its sound where that is no speech."""
    roles = ["image", *(("text_en", "text_zh") if captions else ())]
    if pair["sound_kind"] in ("effect", "music"):
        roles.append("sound")
    files = pair["files"]
    return [files[role].removeprefix("media/") for role in roles if role in files]


def trained(source: Path, to: Path, name: str, seed: int) -> dict[str, float]:
    """Scores of one row by one seed: "query / measure"; ``HEAD`` goes on from the row "none"."""
    if name == HEAD:
        return scored(source, to / f"none-{seed}", more=True)
    balance = {**PLAIN, **METHODS[name]}
    spec = TowersSpec.model_validate({**SETTINGS, "seed": seed, "balance": balance})
    made = train_retrieval_model(source, to / f"{name}-{seed}", spec)
    return scored(source, made.folder, more=False)


def scored(source: Path, folder: Path, *, more: bool) -> dict[str, float]:
    """Accuracies on the held-out third; with ``more`` after the head was trained on."""
    spec, config = read_spec(folder), read_config(folder)
    words, network = read_vocabulary(folder, config), Towers(sizes(spec, config))
    network.load_state_dict(read_network(folder, config).state_dict())
    test = MultiModalDataset(source, "test", spec.dataset)
    if more:
        complete(Objective(network, spec), Batches(test.of("train"), words, spec), None, "cpu")
    found = {}
    for query, shown in QUERIES.items():
        asked = Batches(test.of("test", transform=partial(hidden, shown=shown)), words, spec)
        told = accuracies(seen(asked, network, "cpu").classes, asked.labels)
        found[f"{query} / mean class"] = told["mean class accuracy"]
        found[f"{query} / all"] = told["accuracy"]
    return found


def hidden(example: dict[str, Any], shown: Sequence[bool]) -> dict[str, Any]:
    """An example as if its item had nothing but what is ``shown``."""
    return {**example, "has": example["has"] & torch.tensor(shown)}


Scores = dict[str, list[dict[str, float]]]  # by row: one for each split and seed


def measured(data: Path, scratch: Path, splits: int) -> tuple[Scores, list[dict[str, Any]]]:
    """All rows in the first splits, and what these have."""
    scores: Scores = {name: [] for name in METHODS}
    counts = []
    for split in range(splits):
        media, made = scratch / f"media-{split}", scratch / f"made-{split}"
        media.mkdir()
        counts.append(media_of(data, media, split))
        for seed in range(TRAININGS):
            for name, found in scores.items():
                began = time.monotonic()
                found.append(trained(media, made, name, seed))
                told = f"split {split}, seed {seed}, {name}: {chosen_by(found[-1]):.3f}"
                print(told, f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return scores, counts


def by_split(found: Sequence[float]) -> list[float]:
    """The mean over the seeds of each split."""
    return [float(np.mean(of)) for of in np.reshape(found, (-1, TRAININGS))]


def table(scores: Scores) -> str:
    """Markdown: mean ± deviation over the splits, and how many trainings are better than none."""
    asked = [f"{query} / {measure}" for query in QUERIES for measure in ("mean class", "all")]
    plain = [chosen_by(one) for one in scores["none"]]
    winner = max(scores, key=lambda name: np.mean([chosen_by(one) for one in scores[name]]))
    lines = [
        "| method | mean class, both queries | better than none | picture: mean class"
        " | picture: all | all there: mean class | all there: all |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in scores.items():
        mine = [chosen_by(one) for one in found]
        columns = [mine, *([one[measure] for one in found] for measure in asked)]
        first, *others = (f"{np.mean(of):.3f} ± {np.std(by_split(of)):.3f}" for of in columns)
        wins = sum(one > other for one, other in zip(mine, plain, strict=True))
        shown = f"**{name}**" if name == winner else name
        lines.append(f"| {shown} | {first} | {wins} of {len(mine)} | {' | '.join(others)} |")
    return "\n".join(lines)


def main() -> None:
    """Train all rows, print one table and write a JSON beside the data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="what benchmarks.stamps was run on")
    parser.add_argument("--epochs", type=int, default=SETTINGS["epochs"], help="of each training")
    parser.add_argument("--splits", type=int, default=SPLITS, help="so many")
    given = parser.parse_args()
    data, SETTINGS["epochs"] = given.data, given.epochs
    torch.set_num_threads(1)
    began = time.monotonic()
    with TemporaryDirectory() as scratch:
        scores, counts = measured(data, Path(scratch), given.splits)
    print(describe())
    print(f"{time.monotonic() - began:.0f} s; {resources()}; settings: {json.dumps(SETTINGS)}")
    for split, count in enumerate(counts):
        shown = {name: count[name] for name in ("kept", "asked", "sizes", "dropped", "modalities")}
        print(f"split {split}: {shown}")
    print(table(scores))
    written = {
        "machine": describe(),
        "settings": SETTINGS,
        "splits": counts,
        "rows": {name: {**PLAIN, **fields} for name, fields in METHODS.items()},
        "scores": scores,
    }
    (data / "imbalance_towers.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
