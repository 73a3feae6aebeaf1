"""What training on a lake's own pairs gains: the Tux Paint + GCompris set, five splits.

    make data && python -m benchmarks.stamps data/stamps
    python -m benchmarks.training data/stamps

Takes the lake that `benchmarks.stamps` made. For each caption-hash split everything is trained on
one half of the caption keys, by the functions that `mmindex train` calls, and the other half is
scored once; all choices are made inside the fitting half. Beside it the projection that indexing
fits. Then `mmindex train` itself is timed on a copy of the lake.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from benchmarks import stamps
from benchmarks.machine import describe
from mmcore.encoders.projections import Projection
from mmcore.evaluation.measures import per_query
from mmcore.evaluation.ranking import Gallery, Overrides, rank
from mmcore.fusion.base import Fusion, fusion_of
from mmcore.fusion.pooling import pool
from mmcore.specs import FitSpec
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.alignment.train import TrainedProjection, train_projection
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.fusing.train import FittedFusion, fit_fusion
from mmcore.training.projections import fit_projection
from mmcore.training.split import caption_keys
from mmcore.types import Ids, Vectors
from storage.schemas import MODALITIES, Modality

CUTOFFS = (1, 5, 10)
DRAWS = 10_000  # of the bootstrap
GOALS = {
    "English text → picture": (0.32, 0.65),
    "Chinese text → picture": (0.25, 0.62),
    "picture → English text": (None, 0.60),
    "English text → sound": (None, 0.42),
}

PerQuery = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """The scored half in one shared space: role → (items, their pooled unit vectors)."""

    cells: stamps.Cells
    by_role: Mapping[str, tuple[Ids, Vectors]]

    def of(self, role: str, items: Ids) -> tuple[Vectors, np.ndarray]:
        """(n, d) of ``items``, and which of them have it."""
        known, vectors = self.by_role[role]
        place = np.minimum(np.searchsorted(known, items), len(known) - 1)
        has = known[place] == items
        return np.where(has[:, None], vectors[place], 0).astype(np.float32), has


def scored_half(cells: stamps.Cells, projection: Projection, seed: int) -> Half:
    """Projected and pooled: one vector an item and role."""
    _, scored = stamps.halves(cells, seed)
    keys = {key.modality: key for key in cells.keys}
    found = {}
    for role, rows, modality in (
        ("en", cells.english, Modality.TEXT),
        ("zh", cells.chinese, Modality.TEXT),
        ("picture", cells.pictures, Modality.IMAGE),
        ("sound", cells.sounds, Modality.AUDIO),
    ):
        mine = stamps.only(rows, scored)
        items = np.unique(mine.item_ids)
        vectors = stamps.project(projection, keys[modality], mine)
        found[role] = items, pool(items, mine.item_ids, vectors)[0]
    return Half(cells, found)


def fitting_half(cells: stamps.Cells, seed: int) -> set[int]:
    """Items to fit on: those of the half that share no caption with the other, in no language."""
    fit, _ = stamps.halves(cells, seed)
    keys: dict[int, set[str]] = {item: {key} for item, key in cells.caption_keys.items()}
    for item, key in zip(
        cells.chinese.item_ids.tolist(), caption_keys(cells.chinese), strict=True
    ):
        keys[item].add(key)
    other = {key for item, of in keys.items() if item not in fit for key in of}
    return {item for item in fit if not keys[item] & other}


def train(
    cells: stamps.Cells, seed: int, settings: Mapping[str, object]
) -> tuple[Projection, TrainedProjection, FittedFusion]:
    """What indexing fits, what training makes of the same half, and the fusion fitted on it."""
    fit = fitting_half(cells, seed)
    image, audio = (next(k for k in cells.keys if k.modality == m) for m in ("image", "audio"))
    texts = stamps.both(stamps.only(cells.english, fit), stamps.only(cells.chinese, fit))
    media = {
        image.name: stamps.only(cells.pictures, fit),
        audio.name: stamps.only(cells.sounds, fit),
    }
    before = fit_projection(texts, media, cells.keys, FitSpec(held_out=0.0), None)
    if before is None:
        raise SystemExit("nothing was fitted: are the media complete?")
    spec = AlignSpec(fit=FitSpec(held_out=0.0), **settings)
    trained = train_projection(texts, media, cells.keys, spec, "p1")
    text = next(key for key in cells.keys if key.modality == Modality.TEXT)
    shared = {
        Modality.TEXT: (text, texts),
        Modality.IMAGE: (image, media[image.name]),
        Modality.AUDIO: (audio, media[audio.name]),
    }
    projected = {
        modality: replace(rows, vectors=stamps.project(trained.projection, key, rows))
        for modality, (key, rows) in shared.items()
    }
    unseen = trained.unseen.by({modality: key.name for modality, (key, _) in shared.items()})
    fused = fit_fusion(trained.projection.space, projected, FusionFitSpec(), "f1", unseen)
    return before, trained, fused


def directions(half: Half) -> Iterator[tuple[str, PerQuery]]:
    """The table's directions, one score a query."""
    for name, role, target in (
        ("English text → picture", "en", "picture"),
        ("Chinese text → picture", "zh", "picture"),
        ("picture → English text", "picture", "en"),
        ("English text → sound", "en", "sound"),
        ("Chinese text → sound", "zh", "sound"),
        ("Chinese caption → English caption", "zh", "en"),
    ):
        items = half.by_role[role][0]
        if target == "sound":
            items = np.intersect1d(items, half.by_role["sound"][0])
        yield name, asked(half, items, half.of(role, items)[0], target)


def asked(half: Half, items: Ids, queries: Vectors, target: str) -> PerQuery:
    """Scores of each query over all of the half's ``target``; equal caption keys are right."""
    found, gallery = half.by_role[target]
    keys = half.cells.caption_keys
    right: dict[str, list[int]] = {}
    for item in found.tolist():
        right.setdefault(keys[item], []).append(item)
    relevant = [np.array(right[keys[item]], dtype=np.int64) for item in items.tolist()]
    contents = np.full(len(found), "", dtype=np.str_)
    ranking = rank(
        queries,
        Gallery.of(found, contents, gallery),
        relevant,
        Overrides.of([], [], []),
        depth=100,
    )
    return per_query(ranking.hits, ranking.relevant, CUTOFFS)


def fused_query(half: Half, fusion: Fusion, roles: tuple[str, ...], items: Ids) -> Vectors:
    """One query of several roles; captions of both languages are one text."""
    stacked = np.zeros((len(items), len(MODALITIES), len(half.by_role["en"][1][0])), np.float32)
    has = np.zeros((len(items), len(MODALITIES)), dtype=bool)
    places = {"en": Modality.TEXT, "zh": Modality.TEXT, "sound": Modality.AUDIO}
    for role in roles:
        vectors, there = half.of(role, items)
        stacked[:, MODALITIES.index(places[role])] += vectors
        has[:, MODALITIES.index(places[role])] |= there
    length = np.linalg.norm(stacked, axis=2, keepdims=True)
    stacked = stacked / np.maximum(length, 1e-9)
    return fusion.fuse(stacked, has)[0]


def together(half: Half, fusion: Fusion) -> dict[str, PerQuery]:
    """Sound and Chinese caption → picture, alone and as one; then all captions and the sound."""
    items = np.intersect1d(half.by_role["sound"][0], half.by_role["zh"][0])
    found = {
        "sound → picture": asked(half, items, half.of("sound", items)[0], "picture"),
        "Chinese text → picture (of those with a sound)": asked(
            half, items, half.of("zh", items)[0], "picture"
        ),
        "sound + Chinese text → picture": asked(
            half, items, fused_query(half, fusion, ("sound", "zh"), items), "picture"
        ),
    }
    several = np.intersect1d(half.by_role["sound"][0], half.by_role["en"][0])
    for name, roles in (
        ("all present", ("en", "zh", "sound")),
        ("sound withheld", ("en", "zh")),
        ("English withheld", ("zh", "sound")),
        ("Chinese withheld", ("en", "sound")),
        ("texts withheld", ("sound",)),
    ):
        query = fused_query(half, fusion, roles, several)
        found[f"item → picture, {name}"] = asked(half, several, query, "picture")
    return found


def interval(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Mean of ``one - other`` and its 95 % bootstrap interval over the queries."""
    apart = one - other
    rng = np.random.default_rng(0)
    drawn = apart[rng.integers(0, len(apart), (DRAWS, len(apart)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(apart.mean()), float(low), float(high)


def timed_command(lake: Path) -> dict[str, float]:
    """`mmindex train` on a copy of the lake: seconds, and the peak memory of its processes."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(lake, Path(folder) / "lake")
        began = time.perf_counter()
        command = [sys.executable, "-m", "flows.cli", "train", "--lake", str(copy), "--json"]
        process = psutil.Popen(command, stdout=subprocess.PIPE)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _memory(process))
            time.sleep(0.2)
        told = json.loads(process.stdout.read() or b"{}")
        return {
            "exit": process.returncode,
            "seconds": time.perf_counter() - began,
            "peak_mb": peak / 1e6,
            "told": told,
        }


def _memory(process: psutil.Process) -> float:
    """PSS of the process and its children now."""
    total = 0.0
    for one in (process, *_children(process)):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def row(name: str, splits: list[PerQuery], goal: tuple[float | None, float] | None = None) -> str:
    """Mean ± deviation over the splits."""
    told = []
    for measure in ("Success@1", "Success@5", "Success@10", "RR"):
        values = np.array([split[measure].mean() for split in splits])
        told.append(f"{values.mean():.3f} ± {values.std():.3f}")
    queries = np.mean([len(split["RR"]) for split in splits])
    wanted = "" if goal is None else " / ".join(f"≥ {v}" if v else "–" for v in goal)
    return f"| {name} | {queries:.0f} | {' | '.join(told)} | {wanted} |"


SINGLE = ("sound → picture", "Chinese text → picture (of those with a sound)")
BOTH = "sound + Chinese text → picture"
HEAD = (
    "| direction | queries | Success@1 | Success@5 | Success@10 | RR | goal @1 / @10 |",
    "|---|---|---|---|---|---|---|",
)

Splits = dict[str, list[PerQuery]]


def all_splits(
    cells: stamps.Cells, settings: Mapping[str, object], seeds: Sequence[int] = stamps.SEEDS
) -> tuple[Splits, Splits, list[dict[str, object]]]:
    """Each direction's scores by split, as indexing fits it and trained; and what won."""
    before: Splits = {}
    after: Splits = {}
    won: list[dict[str, object]] = []
    for seed in seeds:
        began = time.perf_counter()
        fitted, trained, fused = train(cells, seed, settings)
        seconds = time.perf_counter() - began
        fusion = fusion_of(fused.spec, fused.files)
        for name, scores in directions(scored_half(cells, fitted, seed)):
            before.setdefault(name, []).append(scores)
        half = scored_half(cells, trained.projection, seed)
        for name, scores in (*directions(half), *together(half, fusion).items()):
            after.setdefault(name, []).append(scores)
        best = [trial for trial in (*trained.trials, *fused.trials) if trial.won]
        trials = [trial.to_json() for trial in (*trained.trials, *fused.trials)]
        won.append({"seed": seed, "seconds": seconds, "trials": trials})
        told = ", ".join(f"{trial.name} {dict(trial.settings)}" for trial in best)
        print(f"split {seed}: {told} won, {seconds:.0f} s", file=sys.stderr)
    return before, after, won


def gains_of(before: Splits, after: Splits) -> dict[str, tuple[float, float, float]]:
    """What training adds at 10, and a query of two media to the better one alone."""
    found = {name: interval(_at_ten(after[name]), _at_ten(before[name])) for name in before}
    single = max(SINGLE, key=lambda name: _at_ten(after[name]).mean())
    found[f"{BOTH}, over {single}"] = interval(_at_ten(after[BOTH]), _at_ten(after[single]))
    every = _at_ten(after["item → picture, all present"])
    for name, splits in after.items():
        if name.endswith("withheld"):
            found[f"{name}, over all present"] = interval(_at_ten(splits), every)
    return found


def _at_ten(splits: list[PerQuery]) -> np.ndarray:
    return np.concatenate([split["Success@10"] for split in splits])


def main() -> None:
    """Train and score five splits, time the command, print the tables and write a JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="what build_stamps.py built, with --names opaque")
    parser.add_argument("--lake", type=Path, help="default: DATA/lake")
    parser.add_argument("--no-command", action="store_true", help="do not time `mmindex train`")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE of AlignSpec")
    parser.add_argument(
        "--splits", type=int, default=len(stamps.SEEDS), help="fewer: a quick look"
    )
    arguments = parser.parse_args()
    lake = arguments.lake or arguments.data / "lake"
    settings = dict(one.split("=", 1) for one in arguments.set)
    _, pairs = stamps.write_manifest(arguments.data)
    seeds = stamps.SEEDS[: arguments.splits]
    before, after, won = all_splits(stamps.load(lake, pairs), settings, seeds)
    print(describe())
    print("\nas indexing fits it\n", *HEAD, *(row(n, s) for n, s in before.items()), sep="\n")
    print("\ntrained\n", *HEAD, *(row(n, s, GOALS.get(n)) for n, s in after.items()), sep="\n")
    gains = gains_of(before, after)
    print("\n| Success@10 | gain | 95 % interval (bootstrap over the queries of all splits) |")
    print("|---|---|---|")
    for name, (gain, low, high) in gains.items():
        print(f"| {name} | {gain:+.3f} | {low:+.3f} to {high:+.3f} |")
    command = {} if arguments.no_command else timed_command(lake)
    if command:
        print(f"\nmmindex train: {command['seconds']:.0f} s, peak {command['peak_mb']:.0f} MB")
    written = {
        "machine": describe(),
        "before": _plain(before),
        "after": _plain(after),
        "gains": gains,
        "won": won,
        "command": command,
    }
    (arguments.data / "training.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


def _plain(results: Splits) -> dict[str, list[dict[str, float]]]:
    return {
        name: [{m: float(v.mean()) for m, v in split.items()} for split in splits]
        for name, splits in results.items()
    }


if __name__ == "__main__":
    main()
