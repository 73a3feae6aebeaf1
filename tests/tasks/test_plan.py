import shutil
from types import SimpleNamespace

import pytest

from mmcore.errors import DiskSpaceError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey, Shard
from storage.layout import Layout
from storage.schemas import Modality
from tasks import plan as planning
from tasks.plan import Plan, Waiting, estimate, refuse_full_disk
from tasks.workplace import Workplace

IMAGE = EncoderKey(Modality.IMAGE, "eye", "f1", "eye", 100, (Modality.IMAGE,))
TEXT = EncoderKey(Modality.TEXT, "word", "f2", "word", 50, (Modality.TEXT,))


def content(name, modality=Modality.IMAGE, size=10):
    """A content called ``name``."""
    return Content(name, modality, "x/y", size, "root", name, name)


def plan(*names):
    """A plan with one shard of pictures and one text."""
    pictures = Shard(IMAGE, tuple(content(name) for name in names))
    words = Shard(TEXT, (content("t", Modality.TEXT, 2_500),))
    return Plan((IMAGE, TEXT), ((pictures,), (words,)), (5, 0))


def test_an_estimate_counts_rows_and_known_rates():
    """Two pictures of 100 numbers, eight chunks of 50, each with two copies of 50; 10 MB more."""
    found = estimate(plan("a", "b"), {"eye": 2.0, "word": 0.5})

    assert found.bytes == 10_000_000 + 2 * (400 + 400 + 300) + 8 * (200 + 400 + 300)
    assert found.seconds == 2 * 2.0 + 8 * 0.5


def test_shards_of_all_encoders_come_in_turn():
    """Decoding and models of all kinds overlap, and no shard is lost."""
    assert [shard.encoder.name for shard in plan("a").interleaved()] == ["eye", "word"]


def test_a_plan_counts_what_is_missing():
    """Contents are counted by encoder, and each once; a plan without shards is empty."""
    assert (plan("a", "b").missing(0), plan("a", "b").contents) == (2, 3)
    assert (plan("a", "t").missing(0), plan("a", "t").contents) == (2, 2)
    assert Plan((IMAGE,), ((),), (7,)).empty


def test_a_full_disk_is_told_before_any_work(tmp_path, monkeypatch):
    """Less room than the plan needs is an error that says both figures."""
    work = Workplace(
        Layout(tmp_path / "lake"), "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec()
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))

    with pytest.raises(DiskSpaceError) as refused:
        refuse_full_disk(plan("a"), work)

    assert (refused.value.free, refused.value.needed) == (100, 10_000_000 + 1100 + 7200)


@pytest.fixture
def work(tmp_path):
    """A lake that is not there yet."""
    return Workplace(
        Layout(tmp_path / "lake"), "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec()
    )


@pytest.fixture
def disks(monkeypatch, tmp_path):
    """Two disks, `lake` and `share`: free bytes of each, by what lies in which folder."""
    free = {"lake": 10**9, "share": 10**9}

    def disk_of(folder):
        return folder.relative_to(tmp_path).parts[0]

    monkeypatch.setattr(planning, "device_of", disk_of)
    monkeypatch.setattr(planning, "free_files", lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda at: SimpleNamespace(free=free[disk_of(at)]))
    return free


def staged_plan():
    """Three shards of two pictures, 1 MB each when they are decoded."""
    names = ("ab", "cd", "ef")
    row = tuple(Shard(IMAGE, tuple(content(one) for one in pair)) for pair in names)
    return Plan((IMAGE,), (row,), (0,), (1_000_000,))


def test_the_disk_of_a_staging_folder_elsewhere_is_asked(work, tmp_path, disks):
    """Two shards at once are 4 MB in `cluster.staging`, whose disk has 3: nothing is begun."""
    disks["share"] = 3_000_000
    waiting = Waiting(str(tmp_path / "share" / "staging"), shards=2)

    with pytest.raises(DiskSpaceError) as refused:
        refuse_full_disk(staged_plan(), work, waiting)

    assert str(tmp_path / "share") in str(refused.value)
    assert (refused.value.free, refused.value.needed) == (3_000_000, 4_000_000)


def test_no_more_is_asked_than_may_wait_there(work, tmp_path, disks):
    """`cluster.staging_bytes` bounds what waits, and so what has to be free."""
    disks["share"] = 3_000_000

    place = str(tmp_path / "share" / "staging")
    refuse_full_disk(staged_plan(), work, Waiting(place, shards=2, most=3_000_000))


def test_a_lake_and_its_own_staging_share_a_disk(work, disks):
    """Both have to fit there together."""
    needed = estimate(staged_plan(), {}).bytes
    disks["lake"] = needed + 3_999_999

    with pytest.raises(DiskSpaceError) as refused:
        refuse_full_disk(staged_plan(), work, Waiting(shards=2))

    assert refused.value.needed == needed + 4_000_000


def test_a_store_has_no_bound_to_ask_for(work, disks):
    """Shards that wait in a bucket ask nothing of a disk but what the lake's cells take."""
    disks["lake"] = estimate(staged_plan(), {}).bytes

    refuse_full_disk(staged_plan(), work, Waiting("memory://bucket/staging", shards=2))


def test_prefect_looks_into_no_shard():
    """It looks for futures in what a task is given: into the contents it need not go."""
    from prefect.utilities.collections import visit_collection

    seen = []
    shard = Shard(IMAGE, tuple(content(str(n)) for n in range(1000)))
    visit_collection(shard, visit_fn=seen.append)

    assert len(seen) < 30
