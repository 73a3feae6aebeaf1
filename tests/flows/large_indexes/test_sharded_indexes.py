"""Indexes that are filled in shards: as those that are not, and never begun from the beginning."""

import shutil
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest

from flows.engines.engine import task_runner
from mmcore.specs import FitSpec, PlanSpec, RuntimeSpec
from storage.indexes.card import CARD, CODES, VECTORS, read_card
from storage.indexes.sharding import sharded
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tasks import index_benches, index_builds, index_shards
from tasks.index_shards import Sharding
from tasks.workplace import Workplace
from tests import crashes
from tests.crashes import plain_index
from tests.deaths import Killed, dying
from tests.flows.large_indexes.growing import LOW, PICTURES, add, encoder, forget

SPEC = LOW.model_copy(update={"shard_rows": 300})
ONE = RuntimeSpec(device="cpu", isolate=False, threads=1)
MAKERS = {f"hash-{m}": encoder(m) for m in (Modality.TEXT, Modality.IMAGE)}
STARTS = [0, 300, 600, 900]


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` as a plain call, in shards of 300 rows, with one thread."""
    run = plain_index(monkeypatch, makers=MAKERS)

    def index(folder, lake, spec=SPEC, **options):
        return run(folder, lake, index=spec, runtime=ONE, **options)

    return index


@pytest.fixture
def filled(monkeypatch):
    """The first rows of the shards that were filled, in order."""
    starts, fill = [], index_shards.fill_span

    def filling(span, workers):
        starts.append(span.start)
        return fill(span, workers)

    monkeypatch.setattr(index_shards, "fill_span", filling)
    return starts


def opened(lake):
    """The folder and the card of the index of texts, and the index."""
    snapshot = Snapshot.open(lake)
    entry = next(one for one in snapshot.manifest.indexes if one.modality == Modality.TEXT)
    place = lake.root / entry.path
    return place, read_card(place / CARD), snapshot.opened(entry)


def sound(lake):
    """Whether the index of texts has each live one, all files are right, and nothing is left."""
    live = np.unique(Snapshot.open(lake).rows("segments/text")["segment_id"])
    assert np.array_equal(opened(lake)[2].held(), live)
    assert verify(lake, Snapshot.open(lake).manifest).findings == ()
    assert not lake.staging.exists() or not list(lake.staging.iterdir())


def dies_at(monkeypatch, start):
    """The process is killed before the shard that begins with a row is filled."""
    fill = index_shards.fill_span

    def filling(span, workers):
        if span.start == start:
            raise Killed("power cut")
        return fill(span, workers)

    monkeypatch.setattr(index_shards, "fill_span", filling)


def test_a_sharded_index_is_the_one_that_is_filled_at_once(folder, index, filled, tmp_path):
    """Same name, same files to the byte, same measure; and no shard of it stays."""
    index(folder, tmp_path / "whole", LOW)
    assert filled == []
    index(folder, tmp_path / "sharded")
    whole, one = (opened(Layout(tmp_path / name)) for name in ("whole", "sharded"))

    assert filled == STARTS
    assert one[0].name == whole[0].name
    assert (one[1].type, one[1].setting, one[1].reached) == (
        whole[1].type,
        whole[1].setting,
        whole[1].reached,
    )
    for name in (CODES, VECTORS):
        assert (one[0] / name).read_bytes() == (whole[0] / name).read_bytes()
    sound(Layout(tmp_path / "sharded"))


def test_another_size_of_shards_is_no_other_snapshot(folder, index, tmp_path):
    """It decides how an index is built, and not what it answers."""
    index(folder, tmp_path / "lake")

    assert index(folder, tmp_path / "lake", LOW).status == "unchanged"


def test_a_killed_run_keeps_its_shards(folder, index, filled, tmp_path, monkeypatch):
    """The next run fills the others, of the same vectors and by the same training."""
    index(folder, tmp_path / "whole", LOW)
    lake = Layout(tmp_path / "lake")
    with monkeypatch.context() as patch:
        dies_at(patch, 600)
        with pytest.raises(Killed):
            index(folder, lake.root)
    first, wrote = list(filled), []
    (half,) = [path.with_name(f".{'0' * 32}.tmp") for path in lake.builds.rglob(VECTORS)]
    half.write_bytes(b"half of a file")
    merged = sharded.merge_into
    monkeypatch.setattr(
        sharded, "merge_into", lambda *both: merged(*both) or left.append(half.exists())
    )
    left, write = [], index_builds.write_vectors
    monkeypatch.setattr(
        index_builds, "write_vectors", lambda path, *rest: wrote.append(path) or write(path, *rest)
    )
    index(folder, lake.root)

    assert (first, filled[len(first) :]) == ([0, 300], [600, 900])
    assert (wrote, set(left)) == ([], {False})
    assert (opened(lake)[0] / CODES).read_bytes() == (
        opened(Layout(tmp_path / "whole"))[0] / CODES
    ).read_bytes()
    sound(lake)


@pytest.mark.parametrize("name", ["rows-0-300.faiss", "trained.faiss", VECTORS])
def test_what_a_killed_run_left_damaged_is_made_again(
    folder, index, filled, monkeypatch, caplog, name
):
    """A file that was cut off since is told of, and costs no second run."""
    lake = Layout(folder.parent / "lake")
    with monkeypatch.context() as patch:
        dies_at(patch, 600)
        with pytest.raises(Killed):
            index(folder, lake.root)
    (path,) = lake.builds.rglob(name)
    path.write_bytes(path.read_bytes()[:-40])
    filled.clear()
    index(folder, lake.root)

    assert filled[-4:] == STARTS
    assert f"the index joint-text is begun again: {name}" in caplog.text
    sound(lake)


def test_what_a_killed_run_filled_of_other_rows_is_not_used(
    folder, index, filled, tmp_path, monkeypatch
):
    """A file more, and all shards are filled anew; those of before are removed."""
    lake = Layout(tmp_path / "lake")
    with monkeypatch.context() as patch:
        dies_at(patch, 600)
        with pytest.raises(Killed):
            index(folder, lake.root)
    filled.clear()
    add(folder, PICTURES)
    index(folder, lake.root)

    assert filled == STARTS
    sound(lake)


def killed_in_shards(folder, index, lake, monkeypatch):
    """A published lake, and what a run that died at its third shard had filled of a larger one."""
    index(folder, lake)
    for number in range(100, 130):
        add(folder, number)
    with monkeypatch.context() as patch:
        dies_at(patch, 600)
        with pytest.raises(Killed):
            index(folder, lake)
    assert list(Layout(lake).builds.rglob("rows-*.faiss"))
    return Layout(lake)


def test_shards_that_no_run_goes_on_with_are_removed(folder, index, tmp_path, monkeypatch):
    """The files are as they were when the lake was published: nothing is built."""
    lake = killed_in_shards(folder, index, tmp_path / "lake", monkeypatch)
    for number in range(100, 130):
        for path in folder.glob(f"{number}.*"):
            path.unlink()

    assert index(folder, lake.root).status == "unchanged"
    sound(lake)


def test_an_erasure_removes_what_a_killed_run_filled(folder, index, tmp_path, monkeypatch):
    """Vectors of what is erased may be among it."""
    lake = killed_in_shards(folder, index, tmp_path / "lake", monkeypatch)

    assert forget(lake, 3).left == {}
    assert not lake.builds.exists()
    sound(lake)


def test_a_failure_that_may_pass_keeps_the_shards(folder, index, filled, tmp_path, monkeypatch):
    """A disk that was full for a moment costs the shard that it hit."""
    lake, fill = Layout(tmp_path / "lake"), index_shards.fill_span

    def full(span, workers):
        if span.start == 900:
            raise OSError(28, "No space left on device")
        return fill(span, workers)

    with monkeypatch.context() as patch:
        patch.setattr(index_shards, "fill_span", full)
        with pytest.raises(OSError, match="No space"):
            index(folder, lake.root)
    index(folder, lake.root)

    assert filled == STARTS
    sound(lake)


def killed_moving(folder, index, lake, monkeypatch):
    """A run that dies between two files of a finished build that it brings into the lake."""

    def cut(_):
        raise Killed("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(index_benches, "sync", cut)
        with pytest.raises(Killed):
            index(folder, lake.root)


def test_a_finished_build_that_was_half_moved_is_moved(
    folder, index, filled, tmp_path, monkeypatch
):
    """Killed between two of its files, it is not made again."""
    lake = Layout(tmp_path / "lake")

    killed_moving(folder, index, lake, monkeypatch)
    assert len(list(lake.root.glob("indexes/joint-text/*/*"))) == 1
    index(folder, lake.root)

    assert filled == STARTS
    sound(lake)


def test_a_finished_build_of_which_a_file_is_gone_is_made_again(
    folder, index, filled, tmp_path, monkeypatch
):
    """Somebody cleaned up between the two runs."""
    lake = Layout(tmp_path / "lake")

    killed_moving(folder, index, lake, monkeypatch)
    shutil.rmtree(lake.root / "indexes")
    index(folder, lake.root)

    assert filled == STARTS * 2
    sound(lake)


def test_a_lake_in_a_store_is_filled_in_shards_too(folder, index, filled, monkeypatch):
    """They lie on this machine, and a killed run's are found there."""
    lake = Layout(place_of(f"memory://{uuid4().hex}/lake"))
    with monkeypatch.context() as patch:
        dies_at(patch, 600)
        with pytest.raises(Killed):
            index(folder, lake.root)
    index(folder, lake.root)

    assert filled == STARTS
    sound(lake)


def test_a_budget_is_kept_by_lists_on_disk(folder, index, filled, tmp_path):
    """Where an index in memory would not fit, one whose lists are mapped is built and opened."""
    lake = Layout(tmp_path / "lake")
    few = SPEC.model_copy(update={"memory_mb": 0.0095})  # 16 lists of 16, and 8 bytes a row
    index(folder, lake.root, few)
    _, card, _ = opened(lake)

    assert card.mapped
    assert {point.memory for point in card.tried if point.fits} == {9024}
    assert filled == STARTS
    sound(lake)
    (folder / "3.txt").unlink()
    index(folder, lake.root, few)
    assert (opened(lake)[1].mapped, opened(lake)[1].updates) == (True, 1)
    sound(lake)


@pytest.mark.usefixtures("prefect_server")
def test_shards_are_task_runs_of_the_flow(folder, tmp_path, monkeypatch):
    """Prefect knows one for each shard, by its name; tasks of a task are no hindrance."""
    from prefect.client.orchestration import get_client

    from flows.config.index import IndexConfig
    from flows.index_media import index_media

    crashes.use_encoders(monkeypatch.setattr, MAKERS)
    told = {"media": (str(folder),), "lake": str(tmp_path / "lake"), "preset": "hash"}
    fit, plan = FitSpec(min_pairs=1, held_out=0, folds=2), PlanSpec(min_shards=1)
    config = IndexConfig(**told, fit=fit, plan=plan, index=SPEC, runtime=ONE, workers=2)
    index_media(config)
    with get_client(sync_client=True) as client:
        names = [run.name for run in client.read_task_runs()]
    lake = Layout(tmp_path / "lake")
    kind = opened(lake)[1].type

    assert sorted(name for name in names if name.startswith(f"index-shard-{kind}-")) == sorted(
        f"index-shard-{kind}-{start}-{min(start + 300, 1000)}" for start in STARTS
    )
    sound(lake)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_other_processes_fill_the_same_index(
    prefect_server, folder, index, filled, tmp_path, engine
):
    """The whole stage on an engine of processes, as a task of a flow, makes the same files."""
    from prefect import flow

    from tasks.indexes import build_indexes

    if engine == "dask":
        pytest.importorskip("prefect_dask")
    lake = Layout(tmp_path / "lake")
    index(folder, lake.root, LOW)
    place, manifest = opened(lake)[0], Snapshot.open(lake).manifest
    before = contents(place)
    files = [file for file in manifest.files if not file.path.startswith("indexes/")]
    bare = manifest.model_copy(update={"indexes": [], "files": files})
    work = replace(Workplace.of(Snapshot.open(lake)), runtime=ONE)
    shutil.rmtree(place)

    shards = Sharding(SPEC.shard_rows, 2, lambda workers: task_runner(engine, workers))

    @flow
    def run():
        return build_indexes(bare, work, None, shards)

    run()

    assert filled == []  # in this process
    assert contents(place) == before


def contents(place):
    """What the files of an index hold, its card apart, which has times."""
    return {path.name: path.read_bytes() for path in place.iterdir() if path.name != CARD}


@pytest.mark.slow
@pytest.mark.parametrize("at", range(80, 126, 3))
def test_a_run_that_dies_while_it_shards_leaves_a_lake_that_goes_on(
    folder, index, tmp_path, monkeypatch, at
):
    """Killed at any change of the disk while it builds, the next run ends it."""
    lake = Layout(tmp_path / "lake")
    with dying(monkeypatch, lake.root, at=at):
        index(folder, lake.root)
    index(folder, lake.root)

    sound(lake)
