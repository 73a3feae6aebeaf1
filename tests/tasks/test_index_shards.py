import os

import numpy as np
import pytest
from prefect import flow, task

from flows.engines.engine import task_runner
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.indexes.card import CODES, VECTORS
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill, threads, trained
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.reading import read_faiss
from storage.indexes.sharding import shards
from storage.indexes.sharding.sharded import SHARDS, fill_span
from storage.layout import Layout
from storage.places.place import place_of
from tasks import index_shards
from tasks.index_shards import Sharding
from tasks.workplace import Workplace
from tests.crashes import Inline
from tests.storage.indexes.data import clustered, ids_of

N, D, ROWS = 2000, 16, 500
IDS, (VECTORS_, QUERIES) = ids_of(N), clustered(N, D, 50)
KIND = kind_named("ivf-pq", N, D)


def workplace(root, workers=1):
    """Where a run on a lake works, with so many threads."""
    runtime = RuntimeSpec(threads=workers)
    return Workplace(Layout(root), "hash", SegmentationSpec(), LimitsSpec(), runtime)


@pytest.fixture
def work(tmp_path):
    """Where a run on some lake works."""
    return workplace(tmp_path / "lake")


@pytest.fixture
def folder(tmp_path):
    """A folder with the vectors of all rows."""
    write_vectors(tmp_path / VECTORS, IDS, D, rows_of(VECTORS_))
    return tmp_path


def train():
    """The empty index, always the same."""
    with threads(1):
        return trained(KIND, D, VECTORS_)


def made(filling):
    """What a filling makes of all rows."""
    return filling.filled(KIND, train, IDS, VECTORS_).index


def same(one, other):
    """Whether two indexes give the same answers, to the last bit."""
    pairs = zip(one.search(QUERIES, 10), other.search(QUERIES, 10), strict=True)
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


@pytest.mark.parametrize(
    "engine",
    [
        "threads",
        pytest.param("processes", marks=pytest.mark.slow),
        pytest.param("dask", marks=pytest.mark.slow),
    ],
)
def test_task_runs_of_every_engine_make_the_index(prefect_server, folder, work, engine):
    """Four shards, each filled by a task run, make what one process would have filled."""
    if engine == "dask":
        pytest.importorskip("prefect_dask")
    sharding, found = Sharding(ROWS, 2, lambda workers: task_runner(engine, workers)), []

    @flow
    def index():
        found.append(made(sharding.filling(work, folder)))

    index()
    with threads(1):
        assert same(found[0], made(Whole()))
    assert len(list((folder / SHARDS / KIND.name).glob("rows-*"))) == N // ROWS


def test_the_plain_functions_of_shards_are_tasks(prefect_server, tmp_path):
    """What docs/scale.md shows runs as tasks of any flow: files go in and come out."""

    @flow(task_runner=task_runner("threads", 2))
    def index():
        first = task(shards.train)(tmp_path / "trained.faiss", KIND, VECTORS_, workers=1)
        parts = [
            task(shards.build_shard).submit(
                first,
                tmp_path / f"shard-{start}",
                IDS[start : start + ROWS],
                VECTORS_[start : start + ROWS],
                workers=1,
            )
            for start in range(0, N, ROWS)
        ]
        return task(shards.merge)(first, [part.result() for part in parts], tmp_path / "whole")

    whole = read_faiss(index() / CODES)
    with threads(1):
        assert same(whole, fill(train(), IDS, VECTORS_))


def test_a_failed_shard_fails_the_fill_and_no_other(prefect_server, folder, work, monkeypatch):
    """The failure is raised as it is, and the next try fills what is missing."""
    sharding, filled = Sharding(ROWS, 1, lambda workers: task_runner("threads", workers)), []

    def filling(span, workers):
        filled.append(span.start)
        return fill_span(span, workers)

    def failing(span, workers):
        if span.start == 1000:
            raise ValueError("this one cannot be filled")
        return filling(span, workers)

    monkeypatch.setattr(index_shards, "fill_span", failing)

    @flow
    def index():
        made(sharding.filling(work, folder))

    with pytest.raises(ValueError, match="this one cannot be filled"):
        index()
    assert filled[:2] == [0, 500]
    monkeypatch.setattr(index_shards, "fill_span", filling)
    index()

    assert sorted(filled) == [0, 500, 1000, 1500]


def test_workers_share_the_threads(folder, tmp_path, monkeypatch):
    """Two shards at a time have half of the threads each; no worker starts that has no shard."""
    told, started = [], []

    def filling(span, workers):
        told.append(workers)
        return fill_span(span, workers)

    def runner(workers):
        started.append(workers)
        return Inline()

    monkeypatch.setattr(index_shards, "fill_span", filling)
    for workers in (2, 16):
        sharding = Sharding(ROWS, workers, runner)
        made(sharding.filling(workplace(tmp_path / "lake", workers=8), folder))
        for path in (folder / SHARDS / KIND.name).glob("rows-*"):
            path.unlink()

    assert started == [2, 4]
    assert told == [4] * 4 + [2] * 4


def test_no_worker_starts_for_shards_that_are_there(folder, work):
    """What is filled is merged at once."""
    made(Sharding(ROWS, 2, lambda _: Inline()).filling(work, folder))

    def never(_):
        raise AssertionError("no worker is needed")

    assert made(Sharding(ROWS, 2, never).filling(work, folder)).ntotal == N


@pytest.mark.parametrize("place", ["memory://lake", "湖"])
def test_lists_stay_in_memory_where_they_cannot_be_mapped(tmp_path, place):
    """A lake in a store, or below a path that faiss cannot open, maps no lists."""
    root = place_of(place) if "://" in place else tmp_path / place
    filling = Sharding(ROWS, 1, lambda _: Inline()).filling(workplace(root), tmp_path)

    assert filling.room is None
    assert os.fspath(tmp_path).isascii()
    there = Sharding(ROWS, 1, lambda _: Inline()).filling(workplace(tmp_path / "lake"), tmp_path)
    assert there.room > 0
