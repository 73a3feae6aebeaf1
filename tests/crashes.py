"""Runs that die at a chosen change of the disk, and how the lakes they leave differ."""

from __future__ import annotations

import builtins
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock
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


class Killed(BaseException):
    """The process is gone: nothing it would do on its way out reaches the disk."""


@dataclass(slots=True)
class Disk:
    """Counts what changes the disk below ``lake`` and dies at the change number ``at``."""

    lake: Path
    at: int
    count: int = 0
    dead: bool = False
    told: str = ""

    def changes(self, what: str, path: object) -> bool:
        """Count one change; whether it is the deadly one. Once dead, everything raises."""
        if self.dead:
            raise Killed(self.told)
        self.count += 1
        if self.count == self.at:
            self.dead, self.told = True, f"change {self.at}: {what} {path}"
        return self.dead

    def below(self, path: object) -> bool:
        """Whether a path lies in the lake; one relative to an open folder does (of rmtree)."""
        return isinstance(path, str | os.PathLike) and (
            not Path(path).is_absolute() or Path(path).is_relative_to(self.lake)
        )


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, lake: Path, *, at: int) -> Iterator[Disk]:
    """Within this block the ``at``-th change of the disk below ``lake`` raises Killed.

    So does each later one: no clean-up of a killed process is seen, but its lock is free. Half of
    a Parquet file, and nothing of any other that was being written, is on disk.
    """
    disk, locks = Disk(lake, at), []

    def lock(*args: Any, **options: Any) -> FileLock:
        locks.append(FileLock(*args, **options))
        return locks[-1]

    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink", "remove", "mkdir", "rmdir"):
            patch.setattr(os, name, _before(disk, name, getattr(os, name)))
        for module in (io, builtins):
            patch.setattr(module, "open", _opening(disk, io.open))
        patch.setattr(pq, "write_table", _half_written(disk, pq.write_table))
        patch.setattr(pq, "ParquetWriter", _half_ended(disk))
        patch.setattr("storage.locks.FileLock", lock)
        with suppress(Killed):
            yield disk
    for held in locks:
        held.release(force=True)


def _before(disk: Disk, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
    def changing(path: Any, *rest: Any, **options: Any) -> Any:
        if disk.below(path) and disk.changes(name, path):
            raise Killed(disk.told)
        return change(path, *rest, **options)

    return changing


def _opening(disk: Disk, opens: Callable[..., Any]) -> Callable[..., Any]:
    def opening(path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wax+") and disk.below(path):
            dead = disk.changes(f"open {mode}", path)
            opened = opens(path, mode, *rest, **options)
            if dead:
                opened.close()
                raise Killed(disk.told)
            return opened
        return opens(path, mode, *rest, **options)

    return opening


def _half_written(disk: Disk, write: Callable[..., Any]) -> Callable[..., Any]:
    def writing(table: Any, path: Any, **options: Any) -> None:
        dead = disk.below(path) and disk.changes("write_table", path)
        write(table, path, **options)
        if dead:
            os.truncate(path, Path(path).stat().st_size // 2)
            raise Killed(disk.told)

    return writing


def _half_ended(disk: Disk) -> type[pq.ParquetWriter]:
    """A writer of Parquet that counts its end as one change, at which half of the file is lost."""

    class Writer(pq.ParquetWriter):  # type: ignore[misc]
        def __init__(self, path: Any, *rest: Any, **options: Any) -> None:
            super().__init__(path, *rest, **options)
            self.path = path

        def close(self) -> None:
            dead = self.is_open and disk.below(self.path) and disk.changes("close", self.path)
            super().close()
            if dead:
                os.truncate(self.path, Path(self.path).stat().st_size // 2)
                raise Killed(disk.told)

    return Writer


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
    name, instead of one for texts and one for pictures. Nothing is flushed, to be fast: it makes
    no difference to who outlives a killed process.
    """
    from flows import index_media
    from flows.engines import lanes, sharding

    if makers is None:
        use_hash_encoders(monkeypatch.setattr, (Modality.TEXT, Modality.IMAGE), versions)
    else:
        use_encoders(monkeypatch.setattr, makers)
    plain_tasks(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr("mmcore.registry.entry_points", cache(entry_points))  # half of the time
    for module in (lanes, sharding):
        monkeypatch.setattr(module, "task_runner", lambda *_: Inline())

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
        return index_media.index_media.fn(IndexConfig(**told | options))

    return index


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
