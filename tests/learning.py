"""A lake of pictures and captions whose encoders have no space in common, to learn from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.commands.models.command import listed
from flows.config.train import PromoteResult, TrainResult
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import fit_rows
from mmcore.training.rows import Rows
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes, media
from tests.fakes import WORDS, MeaningEncoder

LONG_AGO = 1_700_000_000
FIT = FitSpec(min_pairs=16, held_out=0.25, folds=2)
OPTIONS: dict[str, Any] = {"fit": FIT, "evaluation": EvaluationSpec(min_queries=5)}
QUICK: dict[str, Any] = {"align": {"method": "ridge", "hubness": "off"}, "fusion": "mean"}
LEARNED: dict[str, Any] = {
    "align": {"method": "ridge", "hubness": "off"},
    "fusion": "mlp",
    "fusing": {"epochs": 1, "folds": 2, "hidden": (8,), "min_items": 8},
}


def makers() -> Mapping[str, Callable[..., MeaningEncoder]]:
    """Encoders of texts and of pictures, each with a space of its own."""
    return {
        "words-text": lambda cut: MeaningEncoder(Modality.TEXT, "words", segmentation=cut),
        "views-image": lambda cut: MeaningEncoder(Modality.IMAGE, "views", segmentation=cut),
    }


def add(folder: Path, name: str, word: str, caption: str) -> None:
    """A picture of the word's colour, and its caption."""
    side = 8 + sum(name.encode()) % 40
    media.png(folder / f"{name}.png", Image.new("RGB", (side, 8 + len(name)), WORDS[word]))
    media.text(folder / f"{name}.txt", caption)
    for kind in ("png", "txt"):
        os.utime(folder / f"{name}.{kind}", (LONG_AGO, LONG_AGO))


def fill(folder: Path, each: int = 6) -> None:
    """Pictures of all colours, with different captions."""
    for word in WORDS:
        for number in range(each):
            add(folder, f"{word}{number}x", word, f"A {word} thing, the number {number} of them.")


def indexer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`mmindex index` as a plain call; loads the flows that train, so that they are plain too."""
    from flows import promote_models, train_fusion

    assert promote_models
    assert train_fusion
    index = crashes.plain_index(monkeypatch, makers=makers())
    return lambda folder, lake, **options: index(folder, lake, **OPTIONS | options)


def make(root: Path) -> Path:
    """A folder ``media`` and its lake, whose projection p1 was fitted on wrong pairs."""
    with pytest.MonkeyPatch.context() as patch, mistaken():
        fill(root / "media")
        index = indexer(patch)
        assert index(root / "media", root / "lake").status == "published"
    return root


@contextmanager
def mistaken() -> Iterator[None]:
    """Runs of `index` fit a projection on wrong pairs: a training finds a better one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.train.fit_rows", lambda *of, **by: _mixed(*fit_rows(*of, **by)))
        yield


def _mixed(texts: Rows, media: Mapping[str, Rows]) -> tuple[Rows, dict[str, Rows]]:
    """Pictures that belong to the captions of others."""
    return texts, {n: replace(rows, vectors=rows.vectors[::-1]) for n, rows in media.items()}


def copied(made: Path, to: Path) -> Path:
    """A copy of a lake, to be changed; its media stay where they were."""
    shutil.copytree(made / "lake", to)
    return to


def train(lake: Path | str, **settings: Any) -> TrainResult:
    """`mmindex train`, without Prefect, and quick unless told otherwise."""
    from flows.config.train import TrainConfig
    from flows.train_fusion import train_fusion

    return train_fusion.fn(TrainConfig(lake=str(lake), **QUICK | settings))


def promote(lake: Path | str, model: str | None, **settings: Any) -> PromoteResult:
    """`mmindex models promote`, or with None `rollback`."""
    from flows.config.train import PromoteConfig
    from flows.promote_models import promote_models

    return promote_models.fn(PromoteConfig(lake=str(lake), model=model, **settings))


def serving(lake: Path) -> Snapshot:
    """The snapshot that serves, all of it verified."""
    snapshot = Snapshot.open(Layout(lake))
    assert verify(snapshot.layout, snapshot.manifest).findings == ()
    return snapshot


def lines(lake: Path) -> dict[str, Any]:
    """What `mmindex models list` says, by model."""
    layout = Layout(lake)
    return {line["model"]: line for line in listed(layout, Snapshot.open(layout).manifest)}


def raising(error: Exception) -> Callable[..., Any]:
    """A training or a measuring that fails."""

    def failing(*_: Any, **__: Any) -> Any:
        raise error

    return failing


def badly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each training of a projection learn from pictures that belong to other captions."""
    from mmcore.training.alignment import train as module

    real = module.train_projection

    def training(texts: Rows, media: Mapping[str, Rows], *rest: Any, **options: Any) -> Any:
        return real(*_mixed(texts, media), *rest, **options)

    monkeypatch.setattr(module, "train_projection", training)
