import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from PIL import Image

from mmcore.search.opened.models import published_projection
from mmcore.specs import CrawlSpec, StorageSpec
from storage.layout import Layout
from storage.manifest import read_manifest
from storage.schemas import SCHEMA_VERSION, SEGMENTS
from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails
from storage.verification.verify import verify
from tests import crashes, media
from tests.commands import plain_commands
from tests.fakes import HashEncoder
from tests.forgetting import all_findings, indexer

GOLDEN = Path(__file__).parents[1] / "golden"  # each two runs of that schema version
THUMBNAILS = {1: 0, 2: 0, 3: 10, 4: 10}  # which came with version 3
FORGOTTEN = {1: 0, 2: 2, 3: 2, 4: 2}  # files that a tombstone keeps out


@pytest.fixture(params=[1, 2, 3, 4])
def version(request):
    """The schema version of the lake."""
    return request.param


@pytest.fixture
def golden(version):
    """Where the golden lake and its media lie."""
    return GOLDEN / f"lake-v{version}"


@pytest.fixture
def older(golden, tmp_path):
    """A copy of the golden lake, and its folder of media."""
    shutil.copytree(golden, tmp_path, dirs_exist_ok=True)
    return tmp_path / "media", tmp_path / "lake"


@pytest.fixture(autouse=True)
def encoders(golden, monkeypatch):
    """The encoders that the golden lake was made with, whatever those of today are called."""
    made = Snapshot.open(Layout(golden / "lake")).manifest.encoder
    begin = HashEncoder.__init__

    def as_then(self, modality, **options):
        begin(self, modality, **options)
        if made(modality):
            self.key = replace(self.key, fingerprint=made(modality).fingerprint)

    monkeypatch.setattr(HashEncoder, "__init__", as_then)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


@pytest.fixture
def index(version, monkeypatch):
    """`mmindex index` as a plain call, with the encoders of then."""
    return crashes.plain_index(monkeypatch) if version == 1 else indexer(monkeypatch)


def test_a_golden_lake_is_one_of_its_version(golden, version):
    """Nothing has written it anew: each of its manifests says so."""
    manifests = sorted(golden.glob("lake/snapshots/*/manifest.json"))

    stored = [json.loads(path.read_bytes())["schema_version"] for path in manifests]
    assert stored == [version, version]
    assert version < SCHEMA_VERSION


def test_an_older_lake_answers_every_reading_command(older, run):
    """Search, status, files, list, diff and verify read an older lake as it is."""
    _, lake = older
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}

    hits = run("search", "An olive leaf.", "-m", "text", "-k", "1", "--lake", lake, "--json")
    files = run("files", "--lake", lake, "--json")
    listed = run("snapshots", "list", "--lake", lake, "--json")
    diff = run("snapshots", "diff", "--lake", lake, "--json")
    sound = [run("snapshots", "verify", str(n), "--lake", lake) for n in (1, 2)]
    status = run("status", "--lake", lake, "--json")

    assert json.loads(hits.out)["hits"][0]["key"]
    assert all(Path(part["path"]).is_file() for part in json.loads(files.out))
    assert [(line["snapshot"], line["serves"]) for line in json.loads(listed.out)] == [
        (1, False),
        (2, True),
    ]
    assert json.loads(diff.out)["files"]["gone"]
    assert [answer.code for answer in sound] == [0, 0]
    assert json.loads(status.out)["snapshot"] == 2
    assert before == {
        path: path.read_bytes()
        for path in lake.rglob("*")
        if path.is_file() and not path.name.startswith("LOCK")
    }


def test_an_older_lake_rolls_back(older, run):
    """Its snapshots can serve again."""
    _, lake = older

    assert run("snapshots", "rollback", "1", "--lake", lake).code == 0
    assert Snapshot.open(Layout(lake)).manifest.number == 1
    assert all_findings(Layout(lake)) == []


@pytest.mark.parametrize("number", [1, 2])
def test_the_views_of_an_older_snapshot_show_its_rows(older, number):
    """The views.sql that an older version wrote is read by today's DuckDB."""
    _, lake = older
    duck = duckdb.connect()
    duck.execute(f"SET file_search_path = '{lake}'")
    duck.execute((lake / "snapshots" / str(number) / "views.sql").read_text("utf-8"))
    snapshot = Snapshot.open(Layout(lake), number)

    for view in ("files", "items", "segments", "vectors_text", "embeddings_image", "fused"):
        assert duck.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0] > 0
    ids = duck.execute("SELECT segment_id FROM vectors_image ORDER BY 1").fetchall()
    assert [i for (i,) in ids] == snapshot.vectors("image")[1].tolist()


def test_older_rows_have_today_s_columns(older, version):
    """What a column says that came later is null, and so are thumbnails."""
    snapshot = Snapshot.open(Layout(older[1]))

    segments = snapshot.rows("segments/image")

    assert segments.schema == SEGMENTS
    assert segments["box"].null_count == segments["kind"].null_count == len(segments) > 0
    assert snapshot.rows("quarantine", ["path", "box"]).to_pylist() == [
        {"path": "broken.jpg", "box": None}
    ]
    assert len(thumbnails(snapshot, segments["segment_id"].to_pylist())) == THUMBNAILS[version]


def test_the_next_run_writes_today_s_version_and_embeds_nothing(
    older, version, index, monkeypatch
):
    """All cells are found; snapshot 3 is of today's version, its parent is as it was."""
    folder, lake = older
    monkeypatch.setattr(HashEncoder, "encode", forbidden)
    before = crashes.contents_of(Snapshot.open(Layout(lake)))

    result = index(folder, lake)

    snapshot = Snapshot.open(Layout(lake))
    assert (result.status, result.snapshot, set(result.new.values())) == ("published", 3, {0})
    assert result.forgotten == FORGOTTEN[version]
    stored = json.loads((lake / "snapshots" / "3" / "manifest.json").read_bytes())
    assert (stored["schema_version"], stored["parent"]) == (SCHEMA_VERSION, 2)
    assert crashes.contents_of(snapshot).vectors.keys() == before.vectors.keys()
    assert all_findings(Layout(lake)) == []
    assert index(folder, lake, crawl=CrawlSpec(hash_all=True)).status == "unchanged"


def test_older_and_new_parts_serve_together(older, version, index, run):
    """Cells of a new picture lie beside the old ones; compacted, they are one part of today."""
    folder, lake = older
    media.png(folder / "noon.png", Image.new("RGB", (40, 30), "pink"))
    index(folder, lake)
    layout = Layout(lake)
    before = crashes.contents_of(Snapshot.open(layout))
    parts = [f.path for f in Snapshot.open(layout).manifest.files if "embeddings/image/" in f.path]
    assert len(parts) > 1
    assert all_findings(layout) == []
    small = thumbnails_of(layout)
    assert len(small) == THUMBNAILS[version] + 1  # of the new one

    assert run("maintain", "--lake", lake).code == 0

    assert all_findings(layout) == []
    after = crashes.contents_of(Snapshot.open(layout))
    assert crashes.differences(after, before) == (0, 0, 0)
    whole = [f.path for f in Snapshot.open(layout).manifest.files if "embeddings/image/" in f.path]
    assert len(whole) == 1
    assert thumbnails_of(layout) == small


def test_older_cells_are_rounded(older, index, monkeypatch):
    """Another dtype re-embeds nothing of an older lake."""
    folder, lake = older
    monkeypatch.setattr(HashEncoder, "encode", forbidden)

    index(folder, lake, storage=StorageSpec(dtype="float16"))

    assert Snapshot.open(Layout(lake)).manifest.dtype == "float16"
    assert all_findings(Layout(lake)) == []


def test_an_older_lake_can_forget(older, run):
    """Its model's record gets today's name, and each snapshot of it is sound throughout."""
    _, lake = older
    layout = Layout(lake)
    models = {path.name for path in lake.glob("models/projection/*/config*.json")}
    before = published_projection(Snapshot.open(layout))

    told = json.loads(run("forget", "--item", "media/leaf", "--lake", lake, "--json").out)

    assert (told["proof"]["left"], told["reissued"]) == ({}, [1, 2])
    version = Snapshot.open(layout).manifest.projection.version
    assert f"projection/{version}" in [model["model"] for model in told["models"]]
    assert models.isdisjoint(path.name for path in lake.glob("models/projection/*/config*.json"))
    for number in (1, 2):
        manifest = read_manifest(layout.snapshot(number) / "manifest.json")
        assert verify(layout, manifest).findings == ()
    after = published_projection(Snapshot.open(layout)).fitted_on
    assert after.contents < before.fitted_on.contents


def thumbnails_of(layout):
    """The thumbnails of what serves."""
    snapshot = Snapshot.open(layout)
    return thumbnails(snapshot, snapshot.rows("segments/image")["segment_id"].to_pylist())


def forbidden(*_):
    """What no run may call."""
    raise AssertionError("something is embedded")
