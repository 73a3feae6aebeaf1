"""A lake of three snapshots with an item to forget: a picture, two captions and a sound."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PIL import Image

from storage.layout import Layout
from storage.published import published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import media
from tests.crashes import plain_index, use_hash_encoders

ENGLISH = "A tabby cat sleeps on the green sofa at home."
CHINESE = "一只虎斑猫在家里的绿色沙发上睡觉,旁边放着一本书。"
CAT = ("trips/cat.png", "trips/cat.txt", "trips/cat.zh.txt", "trips/cat.wav")


def make_media(folder: Path) -> None:
    """The cat; a twin, whose English caption is the cat's; a few others."""
    media.png(folder / CAT[0], Image.new("RGB", (8, 8), "orange"))
    media.text(folder / CAT[1], ENGLISH)
    media.text(folder / CAT[2], CHINESE)
    media.wav(folder / CAT[3], 0.5)
    media.png(folder / "twin.png", Image.new("RGB", (8, 8), "red"))
    media.text(folder / "twin.txt", ENGLISH)
    for name in ("blue", "grey"):
        media.png(folder / f"{name}.png", Image.new("RGB", (8, 8), name))
        media.text(folder / f"{name}.txt", f"A plain {name} wall, and nothing else.")
    settle(folder)


def settle(folder: Path, when: float = 1_700_000_000) -> None:
    """Make all files old: young ones are looked at again by each run."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (when, when))


def indexer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`mmindex index` as a plain call, with encoders of texts, pictures and sounds."""
    index = plain_index(monkeypatch)
    kinds = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO)
    use_hash_encoders(monkeypatch.setattr, kinds)
    return index


def make_history(folder: Path, lake: Path, index: Callable[..., Any], **options: Any) -> Layout:
    """Three snapshots: a file is added to the first one, then edited.

    Of the same options they are made once a process, and copied for whoever asks again.
    """
    kept = Path(_kept(repr(options)).name)
    if not (kept / "lake").exists():
        _make(folder, lake, index, **options)
        shutil.copytree(folder, kept / "media")
        shutil.copytree(lake, kept / "lake")
        (kept / "place").write_text(str(folder))
    else:
        shutil.copytree(kept / "media", folder)
        shutil.copytree(kept / "lake", lake)
        move(lake, (kept / "place").read_text(), folder)
    layout = Layout(lake)
    assert published(layout) == [1, 2, 3]
    return layout


@cache
def _kept(options: str) -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="history-")


def _make(folder: Path, lake: Path, index: Callable[..., Any], **options: Any) -> None:
    make_media(folder)
    index(folder, lake, **options)
    for text in ("An owl.", "A sleeping owl."):
        media.text(folder / "owl.txt", text)
        os.utime(folder / "owl.txt", (1_700_000_000 + len(text),) * 2)
        index(folder, lake, **options)


def move(lake: Path, before: str, folder: Path) -> None:
    """The manifests of a copied lake say that its root is a copy of the folder that it was of."""
    for path in lake.glob("snapshots/*/manifest.json"):
        told = path.read_text("utf-8")
        path.write_text(told.replace(f'{before}"', f'{folder}"'), "utf-8")


def all_findings(layout: Layout) -> list[str]:
    """What is wrong with any kept snapshot."""
    return [
        f"{number}: {finding}"
        for number in published(layout)
        for finding in verify(layout, Snapshot.open(layout, number).manifest).findings
    ]


def keys_of(layout: Layout, number: int) -> set[str]:
    """The keys of a snapshot's items."""
    return set(Snapshot.open(layout, number).rows("items")["key"].to_pylist())
