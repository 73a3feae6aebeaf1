"""Runs of small lakes without Prefect, some of which die, and how the lakes they leave differ."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points, version
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
import pyarrow as pa
from PIL import Image

from flows.config.index import IndexConfig, IndexResult
from mmcore.errors import UnknownPluginError
from mmcore.specs import FitSpec, PlanSpec, RuntimeSpec, SegmentationSpec
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot
from tests import media
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    import pytest
    from prefect import Task

KEYS = {
    "files": ("root", "path"),
    "items": ("item_id",),
    "item_files": ("item_id", "root", "path"),
    "segments": ("segment_id", "item_id", "root", "path"),
    "quarantine": ("root", "path", "stage", "source", "start"),
}
Maker = Callable[[SegmentationSpec], HashEncoder]
TIMES = {"first_seen", "last_seen"}
CLOSE = 1e-4  # other batches, other roundings; a fitted projection makes them larger


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Rows by table and key, each with how often it comes; vectors by kind and id."""

    rows: Mapping[str, Mapping[str, list[str]]]
    vectors: Mapping[str, Mapping[int, np.ndarray]]
    indexed: Mapping[str, list[int]]


def contents_of(snapshot: Snapshot) -> Contents:
    """Read all that a search of ``snapshot`` may see."""
    tables = ["files", "items", "item_files", "quarantine", *(f"segments/{m}" for m in MODALITIES)]
    vectors = {f"cells {m}": _by_id(*snapshot.cells(m)) for m in MODALITIES}
    vectors |= {f"vectors {m}": _by_id(*snapshot.vectors(m)[1:]) for m in MODALITIES}
    further = [(m, space) for m in MODALITIES for space in snapshot.spaces(m)[1:]]
    vectors |= {f"cells {m} {s}": _by_id(*snapshot.cells(m, space=s)) for m, s in further}
    if (fused := snapshot.fused()) is not None:
        ids, rows, has = fused
        vectors[FUSED] = _by_id(ids, np.hstack([rows, has]))
    indexes = {name: snapshot.index(name) for name in (*MODALITIES, FUSED)}
    indexes |= {f"{m} {s}": snapshot.index(m, s) for m, s in further}
    return Contents(
        rows={name: _rows(snapshot, name) for name in tables},
        vectors=vectors,
        indexed={
            str(name): index.held().tolist()
            for name, index in indexes.items()
            if index is not None
        },
    )


def _rows(snapshot: Snapshot, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in snapshot.rows(name).to_pylist():
        timeless = {k: v for k, v in row.items() if k not in TIMES}
        key = json.dumps([row[k] for k in KEYS[name.partition("/")[0]] if k in row])
        found.setdefault(key, []).append(json.dumps(timeless, sort_keys=True, default=str))
    return {key: sorted(rows) for key, rows in found.items()}


def _by_id(ids: np.ndarray, rows: np.ndarray) -> dict[int, np.ndarray]:
    if len(np.unique(ids)) < len(ids):
        raise AssertionError("an id has two vectors")
    return dict(zip(ids.tolist(), rows, strict=True))


def differences(found: Contents, expected: Contents) -> tuple[int, int, int]:
    """How many rows are lost, doubled, and mixed (of another state, or with other vectors)."""
    lost = doubled = mixed = 0
    for name in expected.rows:
        mine, theirs = found.rows[name], expected.rows[name]
        lost += sum(max(0, len(rows) - len(mine.get(key, ()))) for key, rows in theirs.items())
        doubled += sum(
            max(0, len(rows) - len(theirs.get(key, rows))) for key, rows in mine.items()
        )
        mixed += sum(set(rows) - set(theirs.get(key, ())) != set() for key, rows in mine.items())
    for name in found.vectors.keys() | expected.vectors.keys():
        mine, theirs = found.vectors.get(name, {}), expected.vectors.get(name, {})
        lost += len(theirs.keys() - mine.keys())
        mixed += len(mine.keys() - theirs.keys())
        mixed += sum(not _close(mine[i], theirs[i]) for i in mine.keys() & theirs.keys())
    for name in found.indexed.keys() | expected.indexed.keys():
        here, there = found.indexed.get(name, []), expected.indexed.get(name, [])
        lost += len(set(there) - set(here))
        doubled += len(here) - len(set(here))
        mixed += len(set(here) - set(there))
    return lost, doubled, mixed


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, atol=CLOSE))


def left_over(lake: Path) -> list[Path]:
    """What a killed run left and nothing names: temporary siblings, staging, candidates."""
    found = [path for path in lake.rglob(".*.tmp") if path.parent.suffix != ".tmp"]
    return [*found, *(lake / "candidates").glob("*"), *(lake / "staging").glob("*")]


@contextmanager
def quick() -> Iterator[None]:
    """For hundreds of small runs: no log lines, and no threads for such few rows."""
    logging.disable(logging.INFO)
    before = pa.cpu_count(), faiss.omp_get_max_threads()
    pa.set_cpu_count(1)
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        pa.set_cpu_count(before[0])
        faiss.omp_set_num_threads(before[1])


def make_folder(folder: Path) -> None:
    """Two pictures with captions, a third picture alone, and a broken one."""
    for name in ("red", "green"):
        media.png(folder / f"{name}.png", Image.new("RGB", (8, 8), name))
        media.text(folder / f"{name}.txt", f"A plain {name} picture.")
    media.png(folder / "blue.png", Image.new("RGB", (8, 8), "blue"))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")


def change_folder(folder: Path) -> None:
    """One file edited, one added, one deleted."""
    media.text(folder / "red.txt", "A crimson square.")
    media.text(folder / "blue.txt", "A plain blue picture.")
    (folder / "green.png").unlink()


def plain_index(
    monkeypatch: pytest.MonkeyPatch,
    versions: Mapping[Modality, int] = MappingProxyType({}),
    makers: Mapping[str, Maker] | None = None,
) -> Callable[..., IndexResult]:
    """The flow `index-media` as a plain function: its tasks are called as plain functions too.

    Options of the config may follow folder and lake; ``versions`` are those of the encoders (1
    unless named), and may change between runs. With ``makers`` the preset has those encoders, by
    name, instead of one for texts and one for pictures.
    """
    if makers is None:
        use_hash_encoders(monkeypatch.setattr, (Modality.TEXT, Modality.IMAGE), versions)
    else:
        use_encoders(monkeypatch.setattr, makers)
    index_media = plain_flow(monkeypatch)

    def index(folder: Path, lake: Path, **options: Any) -> IndexResult:
        told: dict[str, Any] = {
            "media": (str(folder),),
            "lake": str(lake),
            "preset": "hash",
            "fit": FitSpec(min_pairs=1, held_out=0, folds=2),
            "plan": PlanSpec(min_shards=1),
            "runtime": RuntimeSpec(device="cpu", isolate=False),
            "workers": 1,
        }
        return index_media(IndexConfig(**told | options))

    return index


def plain_flow(monkeypatch: pytest.MonkeyPatch) -> Callable[[IndexConfig], IndexResult]:
    """The flow `index-media` as a plain function, with whatever encoders a preset names.

    Nothing is flushed, to be fast: it makes no difference to who outlives a killed process.
    """
    from flows import index_media
    from flows.engines import lanes, sharding

    plain_tasks(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr("mmcore.registry.entry_points", cache(entry_points))  # half of the time
    monkeypatch.setattr("tasks.candidate.version", cache(version))
    for module in (lanes, sharding):
        monkeypatch.setattr(module, "task_runner", lambda *_: Inline())
    return index_media.index_media.fn


def use_hash_encoders(
    put: Callable[[Any, str, Any], None],
    modalities: Sequence[Modality] = MODALITIES,
    versions: Mapping[Modality, int] = MappingProxyType({}),
) -> None:
    """Make the preset `hash` of this process, the text encoder first; ``put`` is a setattr.

    Contents are decoded in this process too, since no other knows such encoders.
    """

    def maker(modality: Modality) -> Maker:
        return lambda cut: HashEncoder(
            modality, segmentation=cut, version=versions.get(modality, 1)
        )

    ordered = sorted(modalities, key=lambda m: m != Modality.TEXT)
    use_encoders(put, {f"hash-{m}": maker(m) for m in ordered})


def use_encoders(put: Callable[[Any, str, Any], None], makers: Mapping[str, Maker]) -> None:
    """Make the preset `hash` of this process of any fakes, by name, the main text encoder first.

    What ``makers`` holds may change between runs.
    """
    from mmcore.decoding import prepare
    from mmcore.encoders import presets
    from mmcore.media.prepared import InProcess
    from mmcore.training import projections

    def maker(name: str) -> Callable[..., HashEncoder]:
        if name not in makers:
            raise UnknownPluginError("encoder", name, makers)
        return lambda cut, _: makers[name](cut)

    registry = SimpleNamespace(get=maker)

    def preset(_: str) -> presets.Preset:
        return presets.Preset(tuple(makers), "vectors from a hash")

    put(presets, "presets", SimpleNamespace(get=preset, names=lambda: ("hash",)))
    put(presets, "encoders", registry)
    put(prepare, "Apart", lambda shaping, _: InProcess(shaping))
    put(projections, "encoders", registry)


def plain_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flows that are loaded call their tasks as plain functions, arguments as they are."""
    from prefect import Task

    flows = [module for name, module in sys.modules.items() if name.startswith("flows.")]
    for module in flows:
        for name, value in vars(module).copy().items():
            if isinstance(value, Task):
                monkeypatch.setattr(module, name, value.fn)
        if hasattr(module, "unwalked"):
            monkeypatch.setattr(module, "unwalked", lambda value: value)


class Inline:
    """A task runner that runs what is submitted at once, in this thread."""

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs on."""

    def submit(self, task: Task[..., Any], parameters: Mapping[str, Any]) -> Future[Any]:
        """Run it; its failure is raised by the future, its death here."""
        future: Future[Any] = Future()
        try:
            future.set_result(getattr(task, "fn", task)(**parameters))
        except Exception as error:  # noqa: BLE001 - the future raises it
            future.set_exception(error)
        return future
