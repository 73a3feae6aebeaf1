"""Tests of how fast sources may be read."""

import subprocess
import sys
import time

import pytest

from mmcore.media import pace
from mmcore.media.crawl import crawl
from mmcore.media.pace import FREE, Pace
from mmcore.specs import CrawlSpec, LimitsSpec, RuntimeSpec
from mmcore.types import Source
from tests import media


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """A timetable of its own, and a clock that sleeping moves."""
    now = [1_000_000.0]
    monkeypatch.setattr(pace, "timetable", lambda: tmp_path / "reading")
    monkeypatch.setattr(pace.time, "time", lambda: now[0])
    monkeypatch.setattr(pace.time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    return now


def test_over_time_the_limits_hold(clock):
    """Ten reads of 1 MB at 2 MB/s: the last one begins after nine of them, 4.5 s."""
    for _ in range(10):
        Pace(bytes_per_second=2e6).wait(1_000_000)

    assert clock[0] - 1_000_000 == pytest.approx(4.5)


def test_the_slower_limit_counts():
    """Small files are bound by their number, large ones by their bytes."""
    told = Pace(bytes_per_second=1e6, files_per_second=10)

    assert told.seconds(1_000) == pytest.approx(0.1)
    assert told.seconds(5_000_000) == pytest.approx(5.0)


def test_a_timetable_of_another_time_is_begun_anew(clock, tmp_path):
    """Of before a clock was set back, or half written: nobody waits for days."""
    for left in (pace._TIME.pack(clock[0] + 10 * pace.AHEAD), b"\0\1"):
        (tmp_path / "reading").write_bytes(left)
        before = clock[0]

        Pace(files_per_second=1).wait(1)

        assert clock[0] == before


def test_without_limits_nothing_is_written(clock, tmp_path):
    """And nobody waits."""
    FREE.wait(10**12)
    Pace.of(RuntimeSpec()).wait(10**12)

    assert not (tmp_path / "reading").exists()


def test_who_waits_long_says_so(clock):
    """Again and again, so that whoever watches does not take it for a decoder that hangs."""
    said = []
    for _ in range(2):
        Pace(files_per_second=0.2).wait(1, still=lambda: said.append(1))

    assert len(said) == 20  # five seconds


def test_processes_share_the_limit(tmp_path):
    """Two processes with 20 reads each at 50 a second take 0.7 s at least, not half of that."""
    code = (
        "import sys, pathlib; from mmcore.media import pace;"
        "pace.timetable = lambda: pathlib.Path(sys.argv[1]);"
        "[pace.Pace(files_per_second=50).wait(1) for _ in range(20)]"
    )
    began = time.monotonic()
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "reading")]) for _ in range(2)
    ]
    assert [one.wait() for one in both] == [0, 0]

    assert time.monotonic() - began > 0.75


def test_a_crawl_keeps_to_the_pace(clock, tmp_path):
    """Each file is booked, and its bytes."""
    from mmcore.media.crawl import read, walk

    for place in range(5):
        media.text(tmp_path / "media" / f"{place}.txt", f"number {place}")
    source = Source("m", str(tmp_path / "media"))
    limits = LimitsSpec()

    found = read(walk(source, CrawlSpec()), limits, {}, pace=Pace(files_per_second=0.5))

    assert found.files == crawl(source, CrawlSpec(), limits, {}).files
    assert clock[0] - 1_000_000 >= 8
