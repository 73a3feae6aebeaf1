"""Tests of mmcore/plan.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.plan import missing, shards
from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey
from storage.schemas import Modality

LISTENER = EncoderKey(
    Modality.AUDIO, "logmel", "f1", "logmel", 8, (Modality.AUDIO, Modality.VIDEO)
)


def content(name: str, modality: Modality = Modality.AUDIO, size: int = 1) -> Content:
    """A content that need not exist."""
    return Content(name, modality, "audio/x", size, "media", f"{name}.wav", f"/m/{name}.wav")


def sizes(found) -> list[list[int]]:
    """The contents' sizes, shard by shard."""
    return [[c.size for c in shard.contents] for shard in found]


def test_only_what_the_encoder_reads_is_missing():
    """A sound encoder takes sounds and videos, no pictures and no texts."""
    contents = [content(str(modality), modality) for modality in Modality]

    assert [c.modality for c in missing(contents, LISTENER.reads, ())] == [
        Modality.AUDIO,
        Modality.VIDEO,
    ]


def test_a_finished_content_is_not_missing_and_a_copy_counts_once():
    """Two files with one content are one piece of work; a finished one is none."""
    contents = [content("b"), content("a"), content("b"), content("c")]

    assert [c.content_id for c in missing(contents, LISTENER.reads, {"c"})] == ["a", "b"]


def test_shards_hold_at_most_so_many_contents():
    """Five contents, two a shard: 2, 2, 1."""
    todo = [content(str(n)) for n in range(5)]

    assert sizes(shards(todo, LISTENER, PlanSpec(shard_contents=2, min_shards=1))) == [
        [1, 1],
        [1, 1],
        [1],
    ]


def test_shards_hold_at_most_so_many_bytes():
    """Up to 10 bytes a shard: 4 + 5, then 7; a file of 12 has a shard of its own."""
    todo = [content(str(n), size=size) for n, size in enumerate([4, 5, 7, 12, 1])]

    assert sizes(shards(todo, LISTENER, PlanSpec(shard_bytes=10, min_shards=1))) == [
        [4, 5],
        [7],
        [12],
        [1],
    ]


def test_a_small_run_is_still_cut():
    """Eight contents make four shards, so that work overlaps."""
    todo = [content(str(n)) for n in range(8)]

    assert len(list(shards(todo, LISTENER, PlanSpec()))) == 4


def test_nothing_to_do_is_no_shard():
    """An empty plan has no shards."""
    assert list(shards([], LISTENER, PlanSpec())) == []


def test_a_shard_that_gains_a_content_has_another_name():
    """Names are made of all contents and the fingerprint, whatever their order."""
    (one,) = shards([content("a")], LISTENER, PlanSpec(min_shards=1))
    (two,) = shards([content("a"), content("b")], LISTENER, PlanSpec(min_shards=1))
    (turned,) = shards([content("b"), content("a")], LISTENER, PlanSpec(min_shards=1))

    assert one.name != two.name
    assert two.name == turned.name


@given(
    st.lists(st.integers(0, 50), max_size=40),
    st.integers(1, 7),
    st.integers(1, 100),
    st.integers(1, 5),
)
@settings(max_examples=50, deadline=None)
def test_every_content_is_in_exactly_one_shard(file_sizes, contents, most, least):
    """Shards keep order, lose nothing and keep their bounds, whatever the sizes."""
    todo = [content(f"{n:02}", size=size) for n, size in enumerate(file_sizes)]
    spec = PlanSpec(shard_contents=contents, shard_bytes=most, min_shards=least)
    found = list(shards(todo, LISTENER, spec))

    assert [c for shard in found for c in shard.contents] == todo
    assert all(1 <= len(shard.contents) <= contents for shard in found)
    assert all(
        len(shard.contents) == 1 or sum(c.size for c in shard.contents) <= most for shard in found
    )
