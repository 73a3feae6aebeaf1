"""Tests of what a large source is said to take."""

import os

import pytest

from mmcore.media.crawl import walk
from mmcore.media.sampling import Sampled, sampled
from mmcore.specs import CrawlSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, Source
from storage.layout import Layout
from storage.schemas import Modality
from tasks import forecast
from tasks.effort import TYPICAL_BYTE_SECONDS
from tasks.forecast import Ahead, ahead_of, duration, lines
from tasks.workplace import Workplace
from tests import media

TEXT = EncoderKey(Modality.TEXT, "word", "f", "word", 50, (Modality.TEXT,))


@pytest.fixture
def walked(tmp_path):
    """A root of 60 texts and 20 files of no kind."""
    for place in range(60):
        media.text(tmp_path / "media" / f"{place}.txt", f"Plain text number {place}.")
    for place in range(20):
        (tmp_path / "media" / f"{place}.bin").write_bytes(os.urandom(8) + bytes(100))
    return walk(Source("m", str(tmp_path / "media")), CrawlSpec())


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A run with one encoder of texts."""
    monkeypatch.setattr(forecast, "keys_of", lambda _: (TEXT,))
    layout, runtime = Layout(tmp_path / "lake"), RuntimeSpec(read_files=0.001)
    monkeypatch.setattr(forecast, "sampled", lambda one, _: sampled(one))
    return Workplace(layout, "x", SegmentationSpec(), LimitsSpec(), runtime)


def test_a_sample_tells_kinds_and_times(walked):
    """At most so many files are read; each has its kind and size, and takes some time to open."""
    found = sampled(walked)

    assert (found.files, len(found.seen)) == (80, 48)
    kinds = {one.modality for one in found.seen}
    assert kinds == {Modality.TEXT, None}
    assert found.open_seconds > 0


def test_files_wait_for_each_other_and_bytes_share_the_line():
    """1,000 files that open in 40 ms, four at once, and 100 MB at 10 MB/s: 10 s and 10 s."""
    found = Sampled("m", 1000, 100_000_000, (), 0.04, 1e-7, threads=4)

    assert found.seconds == pytest.approx(20.0)


def test_little_is_not_forecast(walked, work):
    """It is read as soon as it is sampled."""
    assert ahead_of([walked], work, None) is None


def test_a_large_source_is_told_from_its_sample(walked, work, monkeypatch):
    """Media, disk and time are scaled to all files; a limit of reading counts."""
    monkeypatch.setattr(forecast, "MANY", 80)

    found = ahead_of([walked], work, None)

    assert found.files == 80
    assert 45 <= found.media["text"] <= 75  # 60
    assert found.reading == pytest.approx(80 / 0.001)
    each = 4 * 50 + 8 * 50 + 300
    assert found.disk == pytest.approx(10_000_000 + found.media["text"] * each, rel=0.01)
    each = len("Plain text number 12.") * TYPICAL_BYTE_SECONDS
    assert found.models == pytest.approx(found.media["text"] * each, rel=0.03)
    first, last = lines(found)
    assert first.startswith("m: 80 files, ")
    assert "22.2 h to read once" in last


def test_durations_are_told_in_their_unit():
    """Seconds, minutes, hours, days."""
    told = [duration(s) for s in (40, 720, 6.5 * 3600, 75 * 3600)]
    assert told == ["40 s", "12 min", "6.5 h", "3.1 days"]
    assert Ahead((), {}, 0.0, 0.0, 0).files == 0
