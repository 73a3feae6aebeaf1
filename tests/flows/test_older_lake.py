import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from mmcore.search.queries import published_projection
from mmcore.specs import CrawlSpec
from storage.layout import Layout
from storage.manifest import read_manifest
from storage.schemas import SCHEMA_VERSION
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes
from tests.commands import plain_commands
from tests.fakes import HashEncoder

GOLDEN = Path(__file__).parents[1] / "golden" / "lake-v1"  # two runs of schema version 1


@pytest.fixture
def older(tmp_path):
    """A copy of the golden lake, and its folder of media."""
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    return tmp_path / "media", tmp_path / "lake"


@pytest.fixture(autouse=True)
def encoders(monkeypatch):
    """The encoders that the golden lake was made with, whatever those of today are called."""
    made = Snapshot.open(Layout(GOLDEN / "lake")).manifest.encoder
    begin = HashEncoder.__init__

    def as_then(self, modality, **options):
        begin(self, modality, **options)
        self.key = replace(self.key, fingerprint=made(modality).fingerprint)

    monkeypatch.setattr(HashEncoder, "__init__", as_then)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


def test_the_golden_lake_is_one_of_version_1():
    """Nothing has written it anew: each of its manifests and parts says 1."""
    manifests = sorted(GOLDEN.glob("lake/snapshots/*/manifest.json"))

    assert [json.loads(path.read_bytes())["schema_version"] for path in manifests] == [1, 1]
    assert SCHEMA_VERSION > 1


def test_an_older_lake_answers_every_reading_command(older, run):
    """Search, status, files, list, diff and verify read a lake of version 1 as it is."""
    _, lake = older
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}

    hits = run("search", "An olive leaf.", "-m", "text", "-k", "1", "--lake", lake, "--json")
    files = run("files", "--lake", lake, "--json")
    listed = run("snapshots", "list", "--lake", lake, "--json")
    diff = run("snapshots", "diff", "--lake", lake, "--json")
    sound = [run("snapshots", "verify", str(n), "--lake", lake) for n in (1, 2)]
    status = run("status", "--lake", lake, "--json")

    assert json.loads(hits.out)[0]["key"] == "leaf"
    assert all(Path(part["path"]).is_file() for part in json.loads(files.out))
    assert [(line["snapshot"], line["serves"]) for line in json.loads(listed.out)] == [
        (1, False),
        (2, True),
    ]
    assert json.loads(diff.out)["files"]["gone"] == ["media/green.png"]
    assert [answer.code for answer in sound] == [0, 0]
    assert json.loads(status.out)["snapshot"] == 2
    assert before == {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def test_an_older_lake_rolls_back(older, run):
    """Its snapshots can serve again."""
    _, lake = older

    assert run("snapshots", "rollback", "1", "--lake", lake).code == 0
    assert Snapshot.open(Layout(lake)).manifest.number == 1


@pytest.mark.parametrize("number", [1, 2])
def test_the_views_of_an_older_snapshot_show_its_rows(older, number):
    """The views.sql that version 1 wrote is read by today's DuckDB."""
    _, lake = older
    duck = duckdb.connect()
    duck.execute(f"SET file_search_path = '{lake}'")
    duck.execute((lake / "snapshots" / str(number) / "views.sql").read_text("utf-8"))
    snapshot = Snapshot.open(Layout(lake), number)

    for view in ("files", "items", "segments", "vectors_text", "embeddings_image", "fused"):
        assert duck.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0] > 0
    ids = duck.execute("SELECT segment_id FROM vectors_image ORDER BY 1").fetchall()
    assert [i for (i,) in ids] == snapshot.vectors("image")[1].tolist()


def test_the_next_run_writes_today_s_version_and_embeds_nothing(older, monkeypatch):
    """All cells are found; snapshot 3 is of today's version, its parent is as it was."""
    folder, lake = older
    index = crashes.plain_index(monkeypatch)
    monkeypatch.setattr(HashEncoder, "encode", forbidden)
    before = crashes.contents_of(Snapshot.open(Layout(lake)))

    result = index(folder, lake)

    snapshot = Snapshot.open(Layout(lake))
    assert (result.status, result.snapshot, set(result.new.values())) == ("published", 3, {0})
    stored = json.loads((lake / "snapshots" / "3" / "manifest.json").read_bytes())
    assert (stored["schema_version"], stored["parent"]) == (SCHEMA_VERSION, 2)
    assert crashes.contents_of(snapshot).vectors.keys() == before.vectors.keys()
    for number in (1, 2, 3):
        manifest = read_manifest(Layout(lake).snapshot(number) / "manifest.json")
        assert verify(Layout(lake), manifest).findings == ()
    assert index(folder, lake, crawl=CrawlSpec(hash_all=True)).status == "unchanged"


def test_an_older_lake_can_forget(older, run):
    """Its model's record gets today's name, and each snapshot of it is sound throughout."""
    _, lake = older
    layout = Layout(lake)
    folder, before = layout.model("projection", "p1"), published_projection(Snapshot.open(layout))

    told = json.loads(run("forget", "--item", "media/leaf", "--lake", lake, "--json").out)

    assert (told["proof"]["left"], told["reissued"]) == ({}, [1, 2])
    assert [model["model"] for model in told["models"]] == ["projection/p1"]
    assert [path.name for path in folder.glob("*.json")] != ["config.json"]
    for number in (1, 2):
        snapshot = Snapshot.open(layout, number)
        assert verify(layout, snapshot.manifest).findings == ()
        after = published_projection(snapshot).fitted_on
        assert after.contents < before.fitted_on.contents


def forbidden(*_):
    """What no run may call."""
    raise AssertionError("something is embedded")
