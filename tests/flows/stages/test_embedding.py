"""The stage that embeds: what it counts, and when."""

from pathlib import Path

import pytest

from flows.stages.embedding import _Watched
from flows.telling import progress
from flows.telling.clock import Clock
from mmcore.embedding.embedding import Work
from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey, Shard
from storage.schemas import Modality
from tasks.embed import Embedded
from tasks.plan import Plan
from tests import media
from tests.crashes import plain_index

TEXT = EncoderKey(Modality.TEXT, "word", "f", "word", 8, (Modality.TEXT,))


class Counting:
    """Remembers each advance."""

    def __init__(self):
        self.told = []

    def begin(self, stage, total, unit):
        """Nothing is counted yet."""

    def advance(self, stage, count, share=None):
        """Remember it."""
        self.told.append((stage, count))

    def end(self, stage, note=""):
        """Nothing more is counted."""


@pytest.fixture
def counting():
    """Stages of a run that are remembered."""
    stages = Counting()
    with progress.reporting(stages):
        yield stages


def shard(count, first=0):
    """A shard of texts."""
    names = map(str, range(first, first + count))
    return Shard(TEXT, tuple(Content(n, Modality.TEXT, "t/p", 1, "r", n, n) for n in names))


def done(of):
    """What its task answers."""
    work = Work("cpu", "float32", 0.1, {1: len(of.contents)})
    return Embedded(TEXT, Path("part"), len(of.contents), 1, 0, work, shard=of.name)


def test_a_shard_counts_while_it_is_in_the_model(counting):
    """Half and three quarters of it, then the rest: no content is counted twice."""
    one = shard(101)
    with _Watched(Plan((TEXT,), ((one,),), (0,)), Clock()) as watched:
        for share in (0.5, 0.75):
            watched.partly(one, share)
        watched.add(done(one))

    assert counting.told == [("embed text", 50), ("embed text", 25), ("embed text", 26)]


def test_a_shard_that_is_tried_again_is_not_counted_twice(counting):
    """What the first try had told stands until the second has come as far."""
    one, two = shard(11), shard(5, first=11)
    with _Watched(Plan((TEXT,), ((one, two),), (0,)), Clock()) as watched:
        watched.partly(one, 0.8)
        watched.partly(one, 0.1)  # tried again
        watched.add(done(two))
        watched.add(done(one))

    assert sum(count for _, count in counting.told) == 16
    assert counting.told[0] == ("embed text", 8)


def test_the_counter_of_a_run_moves_within_a_shard(tmp_path, monkeypatch, counting):
    """A hundred texts in one shard come in several steps, and are a hundred in the end."""
    for number in range(100):
        media.text(tmp_path / "media" / f"{number}.txt", f"Text number {number}.")
    index = plain_index(monkeypatch)

    index(tmp_path / "media", tmp_path / "lake", plan=PlanSpec(min_shards=1))

    steps = [count for stage, count in counting.told if stage == "embed text"]
    assert len(steps) > 2
    assert sum(steps) == 100


class Sharing(Counting):
    """Remembers the share of the work."""

    def advance(self, stage, count, share=None):
        """Remember it."""
        self.told.append((count, round(share, 3)))


def test_a_long_text_is_the_work_that_it_is():
    """One of 900 bytes and ten of 10: the share of the work goes by bytes, not by files."""
    long = Shard(TEXT, (Content("l", Modality.TEXT, "t/p", 900, "r", "l", "l"),))
    names = [f"s{n}" for n in range(10)]
    short = Shard(TEXT, tuple(Content(n, Modality.TEXT, "t/p", 10, "r", n, n) for n in names))
    stages = Sharing()
    with (
        progress.reporting(stages),
        _Watched(Plan((TEXT,), ((long, short),), (0,)), Clock()) as watched,
    ):
        watched.add(done(short))
        watched.partly(long, 0.5)
        watched.add(done(long))

    assert stages.told == [(10, 0.1), (0, 0.55), (1, 1.0)]
