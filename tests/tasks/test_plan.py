import shutil
from types import SimpleNamespace

import pytest

from mmcore.errors import DiskSpaceError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey, Shard
from storage.layout import Layout
from storage.schemas import Modality
from tasks.plan import Plan, estimate, refuse_full_disk
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
    """Contents are counted by encoder and together; a plan without shards is empty."""
    assert (plan("a", "b").missing(0), plan("a", "b").total) == (2, 3)
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
