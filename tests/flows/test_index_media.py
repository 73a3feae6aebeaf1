import json
import os
import shutil
from pathlib import Path

import duckdb
import faiss
import numpy as np
import pytest
from PIL import Image

from flows.config.index import IndexConfig
from mmcore.errors import ConfigError, GateFailedError
from mmcore.media.crawl import read
from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.manifest import read_manifest
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import media
from tests.crashes import plain_flow

COLOURS = {"red": "红色", "green": "绿色", "blue": "蓝色"}

pytestmark = pytest.mark.usefixtures("prefect_server")


def index(folder, lake, **settings):
    """Run the flow as a plain call."""
    from flows.index_media import index_media

    return index_media(IndexConfig(media=(str(folder),), lake=str(lake), **settings))


@pytest.fixture
def plain(monkeypatch):
    """The same without Prefect."""
    flow = plain_flow(monkeypatch)
    return lambda folder, lake: flow(IndexConfig(media=(str(folder),), lake=str(lake)))


def make_folder(folder):
    """Three pictures with captions in two languages, one with a sound, a clip, a broken file."""
    for name, chinese in COLOURS.items():
        media.png(folder / f"{name}.png", Image.new("RGB", (40, 30), name))
        media.text(folder / f"{name}.txt", f"A plain {name} picture.")
        media.text(folder / f"{name}.zh.txt", f"一张{chinese}的图片。")
    media.wav(folder / "red.wav")
    media.mp4(folder / "clip.mp4")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return folder


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, prefect_server):
    """A folder, its lake after one run, and that run's result."""
    base = tmp_path_factory.mktemp("湖 lake")
    folder = make_folder(base / "媒体")
    return folder, base / "lake", index(folder, base / "lake")


@pytest.fixture
def copied(indexed, tmp_path):
    """The same, free to be changed."""
    folder, lake, _ = indexed
    shutil.copytree(folder, tmp_path / folder.name)
    shutil.copytree(lake, tmp_path / "lake")
    return tmp_path / folder.name, tmp_path / "lake"


def listing(lake):
    """Every file of a lake with its size; the lock apart, which a run holds."""
    return {
        path.relative_to(lake): path.stat().st_size
        for path in lake.rglob("*")
        if path.is_file() and not path.name.startswith("LOCK")
    }


def test_a_first_run_publishes_what_it_could_use(indexed):
    """Every medium has live segments, and the broken file is in quarantine with its reason."""
    _, lake, result = indexed
    snapshot = Snapshot.open(Layout(lake))

    assert result.status == "published"
    assert set(result.segments) == {"image", "text", "audio", "video"}
    quarantine = snapshot.rows("quarantine").to_pylist()
    assert [(row["path"], row["stage"]) for row in quarantine] == [("broken.jpg", "image")]


def test_what_was_embedded_is_what_is_kept(indexed):
    """A video without subtitles gives the text encoder nothing, and counts in neither run."""
    folder, lake, first = indexed

    again = index(folder, lake)

    assert again.status == "unchanged"
    assert first.new["e5-small"] == 6
    assert again.kept == {name: first.new[name] + first.kept[name] for name in first.new}


def test_a_folder_with_few_pairs_is_published_as_unmeasured(indexed):
    """Three captions measure nothing: the snapshot is published, says so, and has no scores."""
    _, _, result = indexed

    assert result.evaluation == "unmeasured"
    assert result.reason
    assert result.scores == {}


def test_a_query_finds_the_item_in_both_languages(indexed):
    """A caption's words find the item that has the caption, in English and in Chinese."""
    searcher = Searcher.open(indexed[1])

    for text in ("A plain green picture.", "一张绿色的图片。"):
        hits = searcher.search(Query(text=text, modality=Modality.TEXT, k=1))
        assert [hit.key for hit in hits] == ["green"]


def test_duckdb_and_faiss_read_the_lake_without_mmindex(indexed, monkeypatch):
    """views.sql shows the live rows, and the index holds exactly the ids of those rows."""
    _, lake, result = indexed
    monkeypatch.chdir(lake)
    database = duckdb.connect()
    database.execute(Path(f"snapshots/{result.snapshot}/views.sql").read_text(encoding="utf-8"))
    rows = database.sql("SELECT DISTINCT segment_id FROM segments WHERE modality = 'image'")

    entry = next(e for e in Snapshot.open(Layout(lake)).manifest.indexes if e.modality == "image")
    index = faiss.deserialize_index(
        np.frombuffer((lake / entry.path / "index.faiss").read_bytes(), dtype=np.uint8)
    )

    ids = faiss.vector_to_array(index.id_map)
    assert sorted(ids.tolist()) == sorted(row[0] for row in rows.fetchall())


def test_a_second_run_does_nothing(copied):
    """Over an unchanged folder nothing is embedded, published or written."""
    folder, lake = copied
    index(folder, lake)  # the copy lies elsewhere, which is published
    before = listing(lake)

    result = index(folder, lake)

    assert result.status == "unchanged"
    assert not any(result.new.values())
    assert listing(lake) == before


def test_an_unchanged_folder_is_not_read(copied, monkeypatch):
    """Names, sizes and times tell: no file is opened; a limit that changed looks again, once."""
    folder, lake = copied
    age(folder)
    index(folder, lake)
    reads = []

    def counted(*args, **options):
        reads.append(args)
        return read(*args, **options)

    monkeypatch.setattr("tasks.crawl.read", counted)

    assert index(folder, lake).status == "unchanged"
    assert reads == []
    for _ in range(2):
        result = index(folder, lake, limits={"max_pixels": 1_000_000})
        assert (result.status, set(result.new.values())) == ("unchanged", {0})
    assert len(reads) == 1


def age(folder):
    """Make all files old enough for their times to be trusted."""
    for file in folder.rglob("*"):
        os.utime(file, (1_600_000_000, 1_600_000_000))


def test_an_edited_caption_embeds_that_caption_alone(copied):
    """One changed text is one content to embed, and the old words are found no more."""
    folder, lake = copied
    (folder / "red.txt").write_text("A crimson square.", encoding="utf-8")

    result = index(folder, lake)

    assert {name: count for name, count in result.new.items() if count} == {"e5-small": 1}
    texts = Snapshot.open(Layout(lake)).rows("segments/text")["text"].to_pylist()
    assert "A crimson square." in texts
    assert "A plain red picture." not in texts


def test_a_deleted_file_is_found_no_more(copied, plain):
    """The next snapshot has neither rows nor index ids of a file that is gone."""
    folder, lake = copied
    for file in folder.glob("blue.*"):
        file.unlink()

    plain(folder, lake)

    hits = Searcher.open(lake).search(Query(text="A plain blue picture.", k=20))
    assert "blue" not in {hit.key for hit in hits}
    assert "blue.png" not in Snapshot.open(Layout(lake)).rows("files")["path"].to_pylist()


def test_a_moved_file_keeps_its_vectors(copied, plain):
    """A renamed picture is another item with the same content: nothing is embedded."""
    folder, lake = copied
    (folder / "red.png").rename(folder / "scarlet.png")

    result = plain(folder, lake)

    assert result.status == "published"
    assert not any(result.new.values())


def test_a_projection_is_one_of_the_snapshots_files(copied):
    """What a search needs is named by the manifest, so that its damage is seen."""
    _, lake = copied
    (lake / "models/projection/p1/projection.safetensors").write_bytes(b"short")

    with pytest.raises(CorruptLakeError, match=r"projection\.safetensors"):
        Searcher.open(lake)


def test_what_devices_did_is_kept_beside_the_report(indexed):
    """By encoder, in the result and in the folder of the snapshot's report."""
    _, lake, result = indexed
    told = json.loads((lake / "reports" / "1" / "throughput.json").read_text())

    assert {name: work.model_dump(mode="json") for name, work in result.work.items()} == told
    assert set(told) == {name for name, count in result.new.items() if count}
    for work in told.values():
        rows = sum(int(size) * count for size, count in work["batches"].items())
        assert rows == work["segments"] > 0
    assert told["efficientnet-lite0"]["model_seconds"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_every_engine_makes_the_same_lake(indexed, tmp_path, engine):
    """Segments, vectors and fused items do not depend on where the shards ran."""
    if engine == "dask":
        pytest.importorskip("prefect_dask")
    folder, lake, _ = indexed

    index(folder, tmp_path / "lake", engine=engine)

    one, other = (Snapshot.open(Layout(root)) for root in (lake, tmp_path / "lake"))
    assert one.rows("segments/image").equals(other.rows("segments/image"))
    np.testing.assert_allclose(one.cells(Modality.IMAGE)[1], other.cells(Modality.IMAGE)[1])
    np.testing.assert_array_equal(one.fused()[0], other.fused()[0])


def test_a_blocked_evaluation_leaves_its_candidate(copied, monkeypatch):
    """A candidate that cannot be scored is not published, and can be looked into."""

    def blocked(*_):
        raise ConfigError("no scores today")

    folder, lake = copied
    assert not list(lake.glob("candidates/*"))
    media.text(folder / "new.txt", "A note on a wall.")
    monkeypatch.setattr("tasks.measuring.outcomes", blocked)

    with pytest.raises(GateFailedError, match="no scores today"):
        index(folder, lake)

    assert current(Layout(lake)) == 1
    (left,) = lake.glob("candidates/*/manifest.json")
    assert read_manifest(left).number == 2


def test_a_dry_run_writes_nothing(indexed, tmp_path):
    """It counts files and contents to embed, and makes no lake."""
    result = index(indexed[0], tmp_path / "lake", dry_run=True)

    assert result.status == "planned"
    assert result.new["e5-small"] == 7  # six texts, and the subtitles of a video
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("kind", ["*.png", "*.txt", "*.wav", "*.mp4"])
def test_one_medium_alone_publishes(indexed, plain, tmp_path, kind):
    """A folder that holds one medium only has a searchable, unmeasured lake."""
    folder = tmp_path / "some"
    folder.mkdir()
    for file in indexed[0].glob(kind):
        shutil.copy(file, folder)

    result = plain(folder, tmp_path / "lake")

    assert (result.status, result.evaluation) == ("published", "unmeasured")
    assert sum(result.segments.values()) > 0
