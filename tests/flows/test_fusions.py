import json

import pytest
from PIL import Image

from mmcore.errors import ConfigError
from mmcore.fusion.learned import LEARNED
from mmcore.fusion.models import record_of
from mmcore.search.opened.models import fusion_files, published_fusion
from mmcore.specs import FusionSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.layout import Layout
from storage.locks import writer_lock
from storage.models import store_model
from storage.publication import publish
from storage.published import current
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tasks.fusing import Choice, fused
from tasks.indexing import indexed
from tasks.workplace import Workplace
from tests import media
from tests.commands import plain_commands
from tests.forgetting import ENGLISH, all_findings, indexer, make_media
from tests.fusions import fusion_model


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` as a plain call."""
    return indexer(monkeypatch)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path):
    """Pictures, captions and a sound."""
    make_media(tmp_path / "media")
    return tmp_path / "media"


def promote(layout, kind="mlp", seen=()):
    """Publish the snapshot that serves anew, fused by a trained fusion."""
    with writer_lock(layout):
        before = Snapshot.open(layout)
        told, work = before.manifest, workplace(layout)
        record = {"contents": sorted(seen), "captions": []}
        model = fusion_model(kind, told.fusion.dim, space=told.fused_of, fitted_on=record)
        files = model.to_files("card")
        store_model(layout, "fusion", "f1", files)
        kept = [f for f in told.files if not f.path.startswith(("fused/", "indexes/"))]
        again = {"number": None, "parent": told.number, "run": "t"}
        bare = told.model_copy(update={"files": kept, "indexes": [], **again})
        choice = Choice(FusionSpec(name=kind), "f1", files)
        made = fused(bare, FusionSpec(), work, before, choice).manifest
        publish(layout, indexed(made, work, before))


def workplace(layout):
    """Where a promotion works."""
    preset = Snapshot.open(layout).manifest.preset
    return Workplace(layout, preset, SegmentationSpec(), LimitsSpec(), RuntimeSpec())


@pytest.mark.parametrize("name", ["concat", "sum", "product", "weighted"])
def test_a_run_is_told_which_fusion_to_use(folder, tmp_path, index, run, name):
    """Items are found by it, the lake is sound, and an equal run changes nothing."""
    lake, spec = tmp_path / "lake", FusionSpec(name=name)
    index(folder, lake, fusion=spec)

    told = Snapshot.open(Layout(lake)).manifest.fusion
    hits = json.loads(run("search", ENGLISH, "-k", "2", "--lake", lake, "--json").out)["hits"]
    assert (told.name, told.dim) == (name, 64 if name == "concat" else 16)
    assert {hit["key"] for hit in hits} == {"trips/cat", "twin"}
    assert all_findings(Layout(lake)) == []
    assert index(folder, lake, fusion=spec).status == "unchanged"


@pytest.mark.parametrize("name", LEARNED)
def test_a_fusion_that_nobody_trained_is_refused_before_any_work(folder, tmp_path, index, name):
    """Nothing is embedded or published; the error says which command trains one."""
    layout = Layout(tmp_path / "lake")

    with pytest.raises(ConfigError, match="mmindex train"):
        index(folder, layout.root, fusion=FusionSpec(name=name))
    assert current(layout) is None
    assert not (layout.root / "embeddings").exists()


@pytest.mark.parametrize("kind", LEARNED)
def test_later_runs_keep_the_promoted_fusion(folder, tmp_path, index, kind):
    """A new picture is fused by it too, and the snapshot is sound."""
    lake = tmp_path / "lake"
    index(folder, lake)
    promote(Layout(lake), kind)
    media.png(folder / "new.png", Image.new("RGB", (8, 8), "pink"))

    index(folder, lake)

    snapshot = Snapshot.open(Layout(lake))
    assert (snapshot.manifest.fusion.name, snapshot.manifest.fusion.version) == (kind, "f1")
    assert published_fusion(snapshot).fingerprint == snapshot.manifest.fusion.fingerprint
    assert snapshot.manifest.number == 3
    assert all_findings(Layout(lake)) == []


def test_what_is_forgotten_leaves_the_record_of_a_trained_fusion(folder, tmp_path, index, run):
    """Its weights stay and fuse on; the record names the content no more, in no snapshot."""
    lake = tmp_path / "lake"
    index(folder, lake)
    layout = Layout(lake)
    files = Snapshot.open(layout).rows("files", ["path", "content_id"]).to_pylist()
    cat = next(f["content_id"] for f in files if f["path"] == "trips/cat.png")
    promote(layout, seen=[cat])
    before = Snapshot.open(layout).manifest.fusion

    told = json.loads(run("forget", "--item", "media/trips/cat", "--lake", lake, "--json").out)

    snapshot = Snapshot.open(layout)
    assert told["proof"]["left"] == {}
    assert "fusion/f1" in [model["model"] for model in told["models"]]
    assert snapshot.manifest.fusion == before
    assert record_of(fusion_files(snapshot))["fitted_on"]["contents"] == []
    assert len(snapshot.manifest.paths("models/fusion/f1")) == 3
    assert all_findings(layout) == []


def test_without_its_model_items_are_fused_by_their_mean(folder, tmp_path, index):
    """A damaged file of the fusion costs neither the projection nor a cell."""
    lake = tmp_path / "lake"
    index(folder, lake)
    promote(Layout(lake))
    before = Snapshot.open(Layout(lake)).manifest
    (lake / "models" / "fusion" / "f1" / "fusion.safetensors").unlink()

    result = index(folder, lake)

    manifest = Snapshot.open(Layout(lake)).manifest
    assert (result.status, set(result.new.values())) == ("published", {0})
    assert (manifest.fusion.name, manifest.paths("models/fusion")) == ("mean", [])
    assert manifest.projection == before.projection
    assert verify(Layout(lake), manifest).findings == ()
