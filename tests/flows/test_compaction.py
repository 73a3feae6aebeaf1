import os
import shutil
from types import SimpleNamespace

import pytest

from flows.config.maintain import MaintainConfig
from mmcore.specs import CrawlSpec
from storage.layout import Layout
from storage.publication import roll_back
from storage.published import current, published
from storage.snapshot import Snapshot
from tests import crashes, deaths, media
from tests.crashes import contents_of, differences
from tests.soundness import sound


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture
def maintain(monkeypatch):
    """The flow maintain as a plain function."""
    from flows import maintain as module

    crashes.plain_tasks(monkeypatch)

    def run(lake, **settings):
        return module.maintain.fn(MaintainConfig(lake=str(lake), **settings))

    return run


@pytest.fixture
def folder(tmp_path):
    """Media that were indexed twice."""
    return tmp_path / "media"


@pytest.fixture
def lake(tmp_path, folder, index):
    """A lake of two snapshots: two small parts of pictures, two of texts, with dead rows."""
    root = tmp_path / "湖"
    crashes.make_folder(folder)
    index(folder, root)
    crashes.change_folder(folder)
    index(folder, root)
    assert [len(parts(Snapshot.open(Layout(root)), m)) for m in ("image", "text")] == [1, 2]
    return root


def parts(snapshot, modality):
    """The published parts of cells of a modality."""
    return snapshot.manifest.paths(f"embeddings/{modality}/")


def opened(lake):
    """The published snapshot, found sound."""
    snapshot = Snapshot.open(Layout(lake))
    sound(snapshot)
    return snapshot


def test_compaction_publishes_the_same_rows_in_fewer_parts(lake, maintain):
    """All that is served, told and measured stays; the old parts lie where they were."""
    before = opened(lake)

    result = maintain(lake)

    after = opened(lake)
    assert (result.status, result.snapshot) == ("compacted", 3)
    assert result.compacted.parts_before == 2
    assert result.compacted.parts_after == 1
    assert len(parts(after, "text")) == 1
    assert differences(contents_of(after), contents_of(before)) == (0, 0, 0)
    new, old = after.manifest, before.manifest
    same = ("indexes", "fusion", "projection", "counts", "seen", "inputs", "specs", "created_at")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    assert new.evaluation.model_copy(update={"report": None}) == old.evaluation
    assert (new.evaluation.report, new.parent, new.run[-9:]) == (2, 2, "-maintain")
    sound(Snapshot.open(Layout(lake), 2))


def test_a_second_compaction_finds_nothing(lake, maintain):
    """No snapshot is published for nothing."""
    maintain(lake)

    again = maintain(lake)

    assert (again.status, again.compacted.parts_before, again.snapshot) == ("unchanged", 0, 3)


def test_after_compaction_an_index_run_is_unchanged(lake, folder, index, maintain):
    """Neither by sizes and times nor by reading all files is anything found to do."""
    maintain(lake)

    assert index(folder, lake).status == "unchanged"
    assert index(folder, lake, crawl=CrawlSpec(hash_all=True)).status == "unchanged"
    assert current(Layout(lake)) == 3


def test_after_compaction_a_changed_file_is_embedded_alone(lake, folder, index, maintain):
    """The compacted parts hold the rest, and old parts are not taken up again."""
    maintain(lake)
    compacted = parts(opened(lake), "text")
    media.text(folder / "red.txt", "A scarlet square.")

    result = index(folder, lake)

    assert (result.status, sum(result.new.values())) == ("published", 1)
    now = parts(opened(lake), "text")
    assert len(now) == 2
    assert set(now) > set(compacted)


def test_a_dry_run_says_what_a_run_does(lake, maintain):
    """The same parts, snapshots and files; nothing is written."""
    before = sorted(lake.rglob("*"))
    old = [path for path in before if "embeddings" in path.parts and path.is_file()]

    planned = maintain(lake, keep=1, grace_days=0, dry_run=True)
    assert sorted(lake.rglob("*")) == before
    done = maintain(lake, keep=1, grace_days=0)

    assert (planned.status, planned.snapshot, done.status) == ("planned", 2, "removed")
    assert (planned.kept, planned.gone) == (done.kept, done.gone) == ((3,), (1, 2))
    assert (planned.coming, done.coming) == (3, None)
    assert (planned.files, planned.bytes) == (done.files, done.bytes)
    for name in ("parts_before", "parts_after", "bytes_before"):
        assert getattr(planned.compacted, name) == getattr(done.compacted, name)
    assert sum(path.exists() for path in old) == 1  # the pictures' part
    opened(lake)


def test_compaction_can_be_left_out(lake, maintain):
    """By a setting."""
    result = maintain(lake, compact=False)

    assert (result.status, result.compacted.left_out) == ("unchanged", "as told")


def test_what_was_rolled_back_from_is_not_given_up(lake, maintain):
    """A snapshot that compaction published on top of the older one would end that."""
    roll_back(Layout(lake), 1)

    result = maintain(lake)

    assert "rolled back" in result.compacted.left_out
    assert (current(Layout(lake)), published(Layout(lake))) == (1, [1, 2])


def test_a_disk_without_room_is_not_filled(lake, maintain, monkeypatch):
    """Then nothing is compacted, and what can go still goes."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))

    result = maintain(lake, keep=1)

    assert "0 MB are free" in result.compacted.left_out
    assert (result.status, result.gone, current(Layout(lake))) == ("removed", (1,), 2)


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 6])
def test_compaction_may_be_killed_at_every_change_of_the_disk(
    lake, folder, index, maintain, monkeypatch, step
):
    """Whichever change it dies at, one of the two snapshots serves whole, and the rest goes on."""
    rows, copy, place = contents_of(opened(lake)), lake.with_name("copy"), 0
    while True:
        place += step
        shutil.copytree(lake, copy)
        with deaths.dying(monkeypatch, copy, at=place) as disk:
            maintain(copy)
        if not disk.dead:
            break
        assert differences(contents_of(opened(copy)), rows) == (0, 0, 0), disk.told

        maintain(copy)

        assert differences(contents_of(opened(copy)), rows) == (0, 0, 0), disk.told
        assert current(Layout(copy)) == 3, disk.told
        assert maintain(copy).status == "unchanged", disk.told
        assert index(folder, copy).status == "unchanged", disk.told
        assert not crashes.left_over(copy / "candidates"), disk.told
        shutil.rmtree(copy)
    assert place > 15  # an undisturbed run changes the disk more often than that


def test_after_rolling_back_over_a_compaction_the_old_parts_serve_on(
    lake, folder, index, maintain
):
    """What serves is what a run compares with: a touched file changes the table of files alone."""
    maintain(lake)
    roll_back(Layout(lake), 2)
    before = opened(lake).manifest

    assert index(folder, lake).status == "unchanged"
    assert index(folder, lake, crawl=CrawlSpec(hash_all=True)).status == "unchanged"
    assert (current(Layout(lake)), published(Layout(lake))) == (2, [1, 2, 3])

    os.utime(folder / "red.txt", ns=(1, 1))
    assert index(folder, lake).snapshot == 4
    tables = {one.path.split("/")[0] for one in {*opened(lake).manifest.files} ^ {*before.files}}
    assert tables == {"files"}
