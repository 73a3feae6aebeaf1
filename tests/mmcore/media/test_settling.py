"""Tests of mmcore/media/settling.py: what may still be being written waits."""

import pytest

from mmcore.media.crawl import Walked
from mmcore.media.listing import Entry
from mmcore.media.settling import SKEW_NS, settled, young
from mmcore.types import MediaFile, Source
from storage.schemas import Modality

S = 1_000_000_000
NOW = 1_000_000 * S


def walked(*entries):
    """A root with these entries."""
    return Walked(Source("m", "/m"), entries)


def known(path, size, mtime_ns):
    """A file as it was published."""
    return MediaFile("m", path, "c", Modality.TEXT, "text/plain", size, mtime_ns)


@pytest.mark.parametrize(
    ("age", "waits"),
    [(0, True), (4.9, True), (5, False), (100, False), (-1, True), (-61, False), (-1e6, False)],
)
def test_what_was_written_a_moment_ago_waits(age, waits):
    """Young, or a little ahead of our clock; a time far in the future tells nothing."""
    entry = Entry("a.txt", 1, NOW - int(age * S))

    assert (young(walked(entry), NOW, 5 * S) == {"a.txt"}) == waits
    assert SKEW_NS == 60 * S


@pytest.mark.parametrize("how", [{"manifest": True}, {"sure": True}, {"fault": "not-a-file"}])
def test_manifests_objects_and_faults_do_not_wait(how):
    """Objects appear whole, a manifest's rows are not kept, a fault has no time."""
    assert young(walked(Entry("a", 1, NOW, **how)), NOW, 5 * S) == frozenset()


def test_a_new_file_is_left_out_and_a_known_one_stays_as_it_was():
    """The next run finds both; nothing is taken for deleted meanwhile."""
    old, rewritten, new = Entry("a", 1, 7), Entry("b", 99, NOW), Entry("c", 5, NOW)
    root, waiting = settled(walked(old, rewritten, new), frozenset("bc"), {"b": known("b", 2, 3)})

    assert root.entries == (old, Entry("b", 2, 3))
    assert waiting == 2
    assert root.stamp() == walked(old, Entry("b", 2, 3)).stamp()


def test_a_young_file_that_is_published_as_it_is_does_not_wait():
    """It was indexed a moment ago: no run has to follow."""
    entry = Entry("a", 2, NOW)
    root, waiting = settled(walked(entry), frozenset("a"), {"a": known("a", 2, NOW)})

    assert (root.entries, waiting) == ((entry,), 0)
