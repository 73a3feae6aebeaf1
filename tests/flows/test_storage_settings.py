import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.diff import diff
from storage.layout import Layout
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes, media

ROUNDED = 2.0**-11  # the most by which float16 changes a number of a unit vector


@pytest.fixture
def index(monkeypatch):
    """The flow as a plain function, over encoders that hash: what is stored is the same."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """Some pictures with captions, and their lake of float32; there is a shared space."""
    base = tmp_path_factory.mktemp("settings")
    for number in range(6):
        media.png(base / "media" / f"{number}.png", media.noise(seed=number))
        media.text(base / "media" / f"{number}.txt", f"The picture number {number}.")
    with pytest.MonkeyPatch.context() as patch:
        crashes.plain_index(patch)(base / "media", base / "lake")
    assert Snapshot.open(Layout(base / "lake")).manifest.projection
    return base / "media", base / "lake"


@pytest.fixture
def copied(indexed, tmp_path):
    """The same, free to be changed."""
    for folder in indexed:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / "media", tmp_path / "lake"


def opened(lake):
    """The published snapshot, after all of it was verified."""
    snapshot = Snapshot.open(Layout(lake))
    assert verify(snapshot.layout, snapshot.manifest).findings == ()
    return snapshot


def test_another_dtype_embeds_nothing(copied, index):
    """Vectors are converted, projected and fused again; ids, rows and answers stay."""
    folder, lake = copied
    before = opened(lake)

    result = index(folder, lake, storage={"dtype": "float16"})

    after = opened(lake)
    assert (result.status, sum(result.new.values())) == ("published", 0)
    assert (before.manifest.dtype, after.manifest.dtype) == ("float32", "float16")
    for modality in MODALITIES:
        ids, vectors = after.cells(modality)
        np.testing.assert_array_equal(ids, before.cells(modality)[0])
        np.testing.assert_allclose(vectors, before.cells(modality)[1], atol=ROUNDED)
        np.testing.assert_allclose(
            after.vectors(modality)[2], before.vectors(modality)[2], atol=1e-3
        )
    told = {setting.name for setting in diff(before, after).settings}
    assert told - {"root media"} == {"storage.dtype"}  # the copy lies elsewhere
    query = Query(text="The picture number 3.", modality=Modality.TEXT, k=1)
    assert [hit.key for hit in Searcher.open(lake).search(query)] == ["3"]


def test_back_to_float32_finds_the_old_vectors(copied, index):
    """As long as the old parts are there, nothing is converted and no digit is lost."""
    folder, lake = copied
    before = opened(lake).cells(Modality.TEXT)[1]
    index(folder, lake, storage={"dtype": "float16"})
    index(folder, lake)

    np.testing.assert_array_equal(opened(lake).cells(Modality.TEXT)[1], before)


def test_a_dry_run_knows_that_vectors_are_converted(copied, index):
    """It does not announce to embed what is there in the other dtype, and writes nothing."""
    folder, lake = copied
    result = index(folder, lake, storage={"dtype": "float16"}, dry_run=True)

    assert sum(result.new.values()) == 0
    assert not list(lake.glob("embeddings/*/*-float16"))


def test_a_codec_is_for_what_is_written_from_now_on(copied, index):
    """It changes no row, so that alone publishes nothing; old and new parts serve together."""
    folder, lake = copied
    settings = {"storage": {"compression": "zstd"}}
    index(folder, lake)  # the copy lies elsewhere, which is published

    assert index(folder, lake, **settings).status == "unchanged"
    media.text(folder / "new.txt", "A caption of its own.")
    assert index(folder, lake, **settings).status == "published"
    manifest = opened(lake).manifest
    parts = [lake / path for path in manifest.paths("embeddings/text")]
    codecs = {path: pq.read_metadata(path).row_group(0) for path in parts}
    used = {group.column(group.num_columns - 1).compression for group in codecs.values()}
    assert used == {"UNCOMPRESSED", "ZSTD"}
