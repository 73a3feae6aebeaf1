"""The flow `index-media` on workers with folders of their own, which a real scheduler has."""

import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from flows.config.cluster import ClusterSpec
from flows.config.index import IndexConfig
from mmcore.errors import ClusterError
from mmcore.specs import FitSpec, PlanSpec, RuntimeSpec
from storage.layout import Layout
from storage.places.place import listing, place_of
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import media
from tests.crashes import contents_of, differences, use_hash_encoders

pytest.importorskip("prefect_dask")
clusters = pytest.importorskip("tests.clusters")

pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

PAIRS = 24
PRELOAD = "tests.hash_worker"


@pytest.fixture
def folder(tmp_path):
    """Pictures with captions, and a broken file."""
    home = tmp_path / "media"
    for number in range(PAIRS):
        media.png(home / f"{number}.png", Image.new("RGB", (8, 8), (number * 9, 0, 90)))
        media.text(home / f"{number}.txt", f"Picture number {number}.")
    (home / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return home


@pytest.fixture
def index(monkeypatch, folder):
    """The flow as it is, with encoders that need no weights; in shards of four contents."""
    from flows.index_media import index_media

    use_hash_encoders(monkeypatch.setattr, (Modality.TEXT, Modality.IMAGE))

    def run(lake, **settings):
        told = {
            "media": (str(folder),),
            "lake": str(lake),
            "preset": "hash",
            "fit": FitSpec(min_pairs=1, held_out=0, folds=2),
            "plan": PlanSpec(shard_contents=4),
            "runtime": RuntimeSpec(device="cpu", isolate=False),
        }
        return index_media(IndexConfig(**told | settings))

    return run


def on(cluster, **settings):
    """Settings of a run on a cluster."""
    told = ClusterSpec(scheduler=cluster.address, **settings)
    return {"engine": "dask", "cluster": told}


def did(cluster):
    """What each worker did."""
    noted = [cluster.place(n) / "did" for n in range(len(cluster.workers))]
    return [set(one.read_text().split()) if one.exists() else set() for one in noted]


def alike(lake, expected):
    """Whether two lakes serve the same."""
    one, other = (Snapshot.open(Layout(place_of(str(root)))) for root in (lake, expected))
    return differences(contents_of(one), contents_of(other)) == (0, 0, 0)


def test_those_with_a_gpu_embed_and_the_others_decode(index, tmp_path):
    """Tasks go to the workers that declare their resource, through the lake's staging folder."""
    index(tmp_path / "plain")
    wait = {"MMTEST_WAIT": "0.05"}
    resources = ["GPU=1", "CPU=1", "CPU=1"]
    with clusters.dask_cluster(tmp_path / "dask", resources, PRELOAD, wait) as cluster:
        all_there(cluster)
        result = index(tmp_path / "lake", **on(cluster))
        found = did(cluster)

    assert result.status == "published"
    assert found == [{"embed"}, {"decode"}, {"decode"}]
    assert not list((tmp_path / "lake").glob("staging/*"))
    assert alike(tmp_path / "lake", tmp_path / "plain")
    assert result.new == {"hash-text": PAIRS, "hash-image": PAIRS}  # but the broken file
    for work in result.work.values():
        assert 0 <= work.waited <= work.seconds + 1


def test_a_worker_that_dies_costs_no_shard(index, tmp_path):
    """What it was at is done by others; the lake is that of an undisturbed run."""
    index(tmp_path / "plain")
    wait = {"MMTEST_WAIT": "0.1"}
    with clusters.dask_cluster(tmp_path / "dask", ["", "", ""], PRELOAD, wait) as cluster:
        all_there(cluster)

        def kill():
            await_part(tmp_path / "lake")
            cluster.workers[1].kill()

        killer = threading.Thread(target=kill)
        killer.start()
        result = index(tmp_path / "lake", **on(cluster))
        killer.join()
        assert cluster.workers[1].wait() != 0

    assert result.status == "published"
    assert alike(tmp_path / "lake", tmp_path / "plain")
    assert not list((tmp_path / "lake").glob("staging/*"))


def test_a_lake_and_its_staging_may_lie_in_a_store(s3, index, tmp_path):
    """Workers share no folder: what passes between them lies in the bucket, until it is used."""
    index(tmp_path / "plain")
    lake = f"{s3.bucket()}/lake"
    resources = ["GPU=1", "CPU=1", "CPU=1"]
    with clusters.dask_cluster(tmp_path / "dask", resources, PRELOAD) as cluster:
        all_there(cluster)
        result = index(lake, **on(cluster))
        found = did(cluster)
        left = [p for n in range(3) for p in (cluster.place(n) / "cache").rglob("*.bin")]

    assert result.status == "published"
    assert found[0] == {"embed"}
    assert found[1] | found[2] == {"decode"}
    assert left == []
    assert not [name for name in listing(place_of(lake)) if name.startswith("staging")]
    assert alike(lake, tmp_path / "plain")


def test_staging_may_lie_elsewhere(index, tmp_path):
    """A folder that all workers reach takes it, whatever the lake; it is emptied."""
    with clusters.dask_cluster(tmp_path / "dask", ["", ""], PRELOAD) as cluster:
        all_there(cluster)
        told = on(cluster, staging=str(tmp_path / "shared"), staging_bytes=20_000)
        result = index(tmp_path / "lake", **told)

    assert result.status == "published"
    assert list((tmp_path / "shared").iterdir()) == []
    assert not list((tmp_path / "lake").glob("staging/*"))


def test_a_worker_that_does_not_see_the_media_stops_the_run(index, folder, tmp_path):
    """Else it would take all its files for deleted; nothing is written of them."""
    blind = "import tests.hash_worker, tasks.sight as s; s.Path.exists = lambda self: False"
    (tmp_path / "blind.py").write_text(blind)
    preload = str(tmp_path / "blind.py")
    with clusters.dask_cluster(tmp_path / "dask", [""], preload) as cluster:
        all_there(cluster)
        with pytest.raises(ClusterError, match=f"does not see {folder}.*mount the media"):
            index(tmp_path / "lake", **on(cluster))

    assert current(Layout(tmp_path / "lake")) is None
    assert not list((tmp_path / "lake").glob("embeddings/**/*.parquet"))


def test_a_scheduler_that_goes_away_ends_the_run_and_the_next_goes_on(index, tmp_path):
    """It is told in a line; finished shards stay, and another engine does the rest."""
    wait = {"MMTEST_WAIT": "0.2"}
    with clusters.dask_cluster(tmp_path / "dask", ["", ""], PRELOAD, wait) as cluster:
        all_there(cluster)

        def kill():
            await_part(tmp_path / "lake")
            cluster.scheduler.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(ClusterError, match="went away"):
            index(tmp_path / "lake", **on(cluster))
        killer.join()

    parts = len(list((tmp_path / "lake").glob("embeddings/**/*.parquet")))
    assert parts > 0
    result = index(tmp_path / "lake")
    assert result.status == "published"
    assert sum(result.new.values()) < 2 * PAIRS


def all_there(cluster):
    """Wait until all workers have said hello to the scheduler."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(len(cluster.workers), timeout=120)


def await_part(lake):
    """Wait until a shard is finished."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if list(Path(lake).glob("embeddings/**/part-*.parquet")):
            return
        time.sleep(0.02)
