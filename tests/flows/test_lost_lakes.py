"""Lakes of which no snapshot can be opened any more: a run begins anew, and embeds nothing."""

import shutil

import pytest

from mmcore.errors import ConfigError, UntoldError
from storage import keys
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.published import current, manifest_of
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes
from tests.commands import plain_commands


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder, its lake of one snapshot, and its private one."""
    base = tmp_path_factory.mktemp("made")
    folder = base / "media"
    with pytest.MonkeyPatch.context() as patch:
        index = crashes.plain_index(patch)
        crashes.make_folder(folder)
        index(folder, base / "plain")
        index(folder, base / "private", private=True)
    return base


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


@pytest.fixture
def copy(made, tmp_path):
    """A copy of one of the lakes, to damage, and the folder."""

    def copied(kind="plain"):
        shutil.copytree(made / kind, tmp_path / "lake")
        return made / "media", tmp_path / "lake"

    return copied


def manifest(lake, number=1):
    """Where a snapshot's manifest lies."""
    return Layout(lake).snapshot(number) / "manifest.json"


def folder_in_place(path):
    """A folder lies where a file should."""
    path.unlink()
    path.mkdir()


LOSSES = {
    "a cut manifest": lambda lake: manifest(lake).write_text("{"),
    "no manifest": lambda lake: manifest(lake).unlink(),
    "a folder as manifest": lambda lake: folder_in_place(manifest(lake)),
    "no folder of the snapshot": lambda lake: shutil.rmtree(lake / "snapshots" / "1"),
    "a file as folder of the snapshot": lambda lake: (
        shutil.rmtree(lake / "snapshots" / "1"),
        (lake / "snapshots" / "1").touch(),
    ),
    "no snapshots": lambda lake: shutil.rmtree(lake / "snapshots"),
    "neither snapshots nor reports": lambda lake: (
        shutil.rmtree(lake / "snapshots"),
        shutil.rmtree(lake / "reports"),
    ),
    "a garbled CURRENT too": lambda lake: (
        manifest(lake).write_text("{"),
        (lake / "CURRENT").write_text("?"),
    ),
    "no CURRENT either": lambda lake: (
        manifest(lake).write_text("{"),
        (lake / "CURRENT").unlink(),
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_lake_without_a_sound_snapshot_is_begun_anew(loss, made, copy, index, run):
    """Under a number above all that were used, out of the cells that are there, and loudly."""
    folder, lake = copy()
    LOSSES[loss](lake)

    told = run("status", "--lake", lake)
    assert (told.code, "`mmindex index` begins anew" in told.err) == (7, True)
    planned = index(folder, lake, dry_run=True)
    assert (planned.status, sum(planned.new.values())) == ("planned", 0)
    result = index(folder, lake)

    snapshot = Snapshot.open(Layout(lake))
    assert (result.status, result.snapshot, sum(result.new.values())) == ("published", 2, 0)
    assert result.set_aside
    assert all((lake / name).exists() is (name == "CURRENT") for name in result.set_aside)
    assert verify(Layout(lake), snapshot.manifest).findings == ()
    expected = crashes.contents_of(Snapshot.open(Layout(made / "plain")))
    assert crashes.differences(crashes.contents_of(snapshot), expected) == (0, 0, 0)
    assert index(folder, lake).status == "unchanged"
    assert run("maintain", "--lake", lake).code == 0


def test_another_snapshot_that_is_whole_is_not_passed_over(copy, index, run):
    """The run stops: what serves is for a person to say, and rolling back says it."""
    folder, lake = copy()
    (folder / "one.txt").write_text("One more text.", "utf-8")
    try:
        index(folder, lake)
        manifest(lake, 2).write_text("{")
        stopped = run("index", folder, "--preset", "hash", "--lake", lake)
    finally:
        (folder / "one.txt").unlink()

    assert (stopped.code, "rollback NUMBER" in stopped.err) == (7, True)
    assert run("snapshots", "rollback", "1", "--lake", lake).code == 0
    assert index(folder, lake).status == "unchanged"


def test_a_snapshot_that_cannot_serve_is_no_way_out(copy, index):
    """Rolling back to one that lacks a file is refused, so it keeps no run from going on."""
    folder, lake = copy()
    first = manifest_of(Layout(lake))
    (folder / "one.txt").write_text("One more text.", "utf-8")
    try:
        index(folder, lake)
    finally:
        (folder / "one.txt").unlink()
    manifest(lake, 2).write_text("{")
    (lake / first.paths("items")[0]).unlink()

    result = index(folder, lake)

    assert (result.snapshot, sum(result.new.values())) == (3, 0)
    assert verify(Layout(lake), manifest_of(Layout(lake))).findings == ()


def test_a_private_lake_stays_private_without_its_manifest(copy, index):
    """Its tables say that it is one: a run that is not is refused, and one without its key."""
    folder, lake = copy("private")
    manifest(lake).unlink()

    with pytest.raises(ConfigError, match="private run"):
        index(folder, lake)
    key = (lake / "KEY").read_bytes()
    (lake / "KEY").unlink()
    with pytest.raises(ConfigError, match="private run"):
        index(folder, lake)
    with pytest.raises(CorruptLakeError, match="KEY"):
        index(folder, lake, private=True)
    assert not (lake / "KEY").exists()

    (lake / "KEY").write_bytes(key)
    result = index(folder, lake, private=True)
    assert (result.snapshot, sum(result.new.values())) == (2, 0)


def test_a_key_of_tombstones_makes_no_lake_private(copy, index):
    """A plain lake that something was erased from has a key, and is begun anew as a plain one."""
    folder, lake = copy()
    keys.lake_key(Layout(lake))
    manifest(lake).unlink()

    with pytest.raises(UntoldError, match="ConfigError") as refused:
        index(folder, lake, private=True)
    assert "was not private" in refused.value.told
    assert (lake / "CURRENT").exists()
    assert index(folder, lake).snapshot == 2


def test_what_was_forgotten_stays_out_of_a_lake_that_is_begun_anew(copy, index, run):
    """Tombstones lie beside the snapshots, and hold without them."""
    folder, lake = copy()
    gone = Snapshot.open(Layout(lake)).rows("files")["path"].to_pylist()[0]
    assert run("forget", f"media/{gone}", "--yes", "--lake", lake).code == 0
    manifest(lake).unlink()

    assert index(folder, lake).forgotten >= 1
    assert gone not in Snapshot.open(Layout(lake)).rows("files")["path"].to_pylist()
    assert current(Layout(lake)) == 2
