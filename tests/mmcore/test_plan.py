"""Tests of mmcore/plan.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.plan import HELD, MEDIA_GROW, STAGED, Lot, cut, missing, shards
from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey
from storage.schemas import Modality

LISTENER = EncoderKey(
    Modality.AUDIO, "logmel", "f1", "logmel", 8, (Modality.AUDIO, Modality.VIDEO)
)
EYE = EncoderKey(Modality.IMAGE, "eye", "f2", "eye", 1393, (Modality.IMAGE,))
READER = EncoderKey(Modality.TEXT, "reader", "f3", "reader", 384, (Modality.TEXT,))
PIXELS = 224 * 224 * 3


def content(name: str, modality: Modality = Modality.AUDIO, size: int = 1) -> Content:
    """A content that need not exist."""
    return Content(name, modality, "audio/x", size, "media", f"{name}.wav", f"/m/{name}.wav")


def many(count: int, modality: Modality, size: int) -> list[Content]:
    """Contents that are all alike: planning looks at sizes only."""
    return [content("one", modality, size)] * count


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


def test_a_million_files_make_hundreds_of_task_runs():
    """Half pictures, half captions: two task runs a shard, and fewer than 600."""
    lots = [
        Lot(many(500_000, Modality.IMAGE, 30_000), EYE, segment_bytes=PIXELS),
        Lot(many(500_000, Modality.TEXT, 300), READER),
    ]
    found = cut(lots, PlanSpec())

    assert 2 * sum(map(len, found)) < 600
    assert [sum(len(shard.contents) for shard in row) for row in found] == [500_000, 500_000]


def test_ten_times_the_texts_make_no_more_shards():
    """Where nothing bounds them, shards grow as the plan does."""
    few, more = (
        sum(map(len, cut([Lot(many(count, Modality.TEXT, 300), READER)], PlanSpec(shards=20))))
        for count in (10_000, 100_000)
    )

    assert few == more == 20


def test_a_plan_of_few_shards_is_cut_as_it_was():
    """Up to `shards` of them, growth changes nothing."""
    todo = [content(str(n), Modality.TEXT) for n in range(5_000)]
    spec = PlanSpec(shards=20)

    assert cut([Lot(todo, READER)], spec) == [list(shards(todo, READER, spec))]


def test_a_grown_shard_keeps_to_memory_and_staging():
    """Pictures stop at 512 MB of arrays, wide vectors at 64 MB, sounds at four times as many."""
    wide = EncoderKey(Modality.TEXT, "wide", "f4", "wide", 4096, (Modality.TEXT,))
    lots = [
        Lot(many(9_000, Modality.IMAGE, 1), EYE, segment_bytes=PIXELS),
        Lot(many(9_000, Modality.TEXT, 1), wide),
        Lot(many(9_000, Modality.AUDIO, 1), LISTENER),
    ]
    pictures, texts, sounds = cut(lots, PlanSpec(shards=1, min_shards=1))

    assert len(pictures[0].contents) == STAGED // PIXELS
    assert len(texts[0].contents) == HELD // (4 * 4096)
    assert len(sounds[0].contents) == MEDIA_GROW * PlanSpec().shard_segments


def test_what_a_reader_reads_is_cut_as_ever():
    """Reading a picture takes seconds: a run of many has many shards, so that it moves."""
    lot = Lot(many(1_000, Modality.IMAGE, 1), READER, reader="ocr@x")

    assert len(cut([lot], PlanSpec(shards=1))[0]) == 4


def test_what_lies_in_a_store_is_copied_in_bounded_shards():
    """Bytes of a shard grow with the plan, but for objects that have to be fetched first."""
    there = Content("a", Modality.IMAGE, "i/x", 100, "media", "a", "s3://bucket/a")
    here = content("b", Modality.IMAGE, 100)
    spec = PlanSpec(shards=1, shard_bytes=200)
    fetched, local = cut([Lot([there] * 16, EYE), Lot([here] * 16, EYE)], spec)

    assert {len(shard.contents) for shard in fetched} == {2}
    assert len(local[0].contents) > 2


@given(
    st.lists(st.integers(0, 2_000), max_size=60),
    st.lists(st.integers(0, 400_000), max_size=60),
    st.integers(1, 10),
    st.integers(1, 5),
)
@settings(max_examples=50, deadline=None)
def test_a_grown_plan_has_every_content_in_exactly_one_shard(texts, sounds, most, contents):
    """Growth loses nothing, doubles nothing and keeps the order, whatever the sizes."""
    todo = [
        [content(f"t{n:02}", Modality.TEXT, size) for n, size in enumerate(texts)],
        [content(f"s{n:02}", Modality.AUDIO, size) for n, size in enumerate(sounds)],
    ]
    spec = PlanSpec(shards=most, shard_contents=contents, shard_segments=8, shard_bytes=3_000)
    lots = [Lot(todo[0], READER), Lot(todo[1], LISTENER, segment_bytes=10)]
    found = cut(lots, spec)

    assert [[c for shard in row for c in shard.contents] for row in found] == todo
    assert all(shard.contents for row in found for shard in row)
