import faiss
import numpy as np
import pytest

from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.sharding.merge import (
    check_unique,
    ids_of,
    lists_of,
    merge_into,
    merge_on_disk,
    mergeable,
)
from tests.factories import unit_vectors

FLAT = ("IDMap,PQ8x4fs", "IDMap,RaBitQfs", "IDMap2,Flat")
PACKED = ("IVF8,PQ8x4fs", "IVF8,RaBitQfs")
PLAIN = ("IVF8,Flat", "IVF8,SQ8", "RR16,IVF8_HNSW16,PQ4x4")
VECTORS = unit_vectors(2600, 16)
IDS = np.sort(np.random.default_rng(1).choice(2**62, len(VECTORS), replace=False))
QUERIES = unit_vectors(30, 16, seed=2)
PARTS = np.array_split(np.arange(len(VECTORS)), [1, 700, 1990])


def empty(factory):
    """A trained index without rows, and no warning of faiss on standard error."""
    index = faiss.index_factory(16, factory, faiss.METRIC_INNER_PRODUCT)
    index.train(VECTORS)
    return index


def filled(trained, rows):
    """A copy of an empty index with these rows."""
    index = faiss.deserialize_index(faiss.serialize_index(trained))
    if len(rows):  # faiss adds none to RaBitQ by crashing
        index.add_with_ids(VECTORS[rows], IDS[rows])
    return index


def answers(index, k=20):
    """Scores and ids, all lists read."""
    if lists_of(index) is not None:
        faiss.extract_index_ivf(index).nprobe = 8
    return index.search(QUERIES, k)


def assert_same(one, other):
    """Both have the same rows, and give each the same score; equal scores in any order."""
    assert np.array_equal(np.sort(ids_of(one)), np.sort(ids_of(other)))
    (scores, found), (expected, wanted) = answers(one), answers(other)
    assert np.array_equal(scores, expected)
    clear = scores > scores[:, -1:]  # of those that tie with the last any may be found
    assert [set(row[kept]) for row, kept in zip(found, clear, strict=True)] == [
        set(row[kept]) for row, kept in zip(wanted, clear, strict=True)
    ]


@pytest.mark.parametrize("factory", [*FLAT, *PACKED, *PLAIN, "RR16,IVF8_HNSW16,PQ8x4fs"])
def test_merged_in_memory_it_answers_as_if_filled_at_once(factory):
    """Shards of one training, moved into one index, are that index; the shards are empty then."""
    trained = empty(factory)
    whole = filled(trained, np.arange(0))
    for part in PARTS:
        shard = filled(trained, part)
        merge_into(whole, shard)
        assert shard.ntotal == 0

    assert whole.ntotal == len(VECTORS)
    assert_same(whole, filled(trained, np.arange(len(VECTORS))))


@pytest.mark.parametrize("factory", PACKED)
def test_a_list_as_long_as_a_block_has_bytes_is_merged_right(factory):
    """Where faiss writes past the end of a list, rows are appended one by one instead."""
    trained = empty(factory)
    block = lists_of(trained).block_size
    number = trained.quantizer.search(VECTORS, 1)[1][:, 0]
    fullest = np.bincount(number).argmax()
    mine = np.flatnonzero(number == fullest)
    before, after = mine[:block], mine[block:]
    assert len(before) == block
    assert len(after)
    whole = filled(trained, before)
    merge_into(whole, filled(trained, after))

    assert_same(whole, filled(trained, mine))


@pytest.mark.parametrize("factory", ["IDMap,PQ8x4fs", *PACKED])
def test_rows_are_merged_into_an_index_that_lost_some(factory):
    """Codes of removed rows leave nothing behind in those that take their places."""
    trained = empty(factory)
    whole = filled(trained, np.arange(2000))
    whole.remove_ids(IDS[:2000:7])
    merge_into(whole, filled(trained, np.arange(2000, 2600)))
    left = np.concatenate(
        [np.setdiff1d(np.arange(2000), np.arange(0, 2000, 7)), np.arange(2000, 2600)]
    )

    assert_same(whole, filled(trained, left))


@pytest.mark.parametrize("factory", PLAIN)
def test_merged_on_disk_it_answers_as_if_filled_at_once(factory, tmp_path):
    """Lists that were put after each other in a file are the index; plain faiss reads it."""
    trained = empty(factory)
    shards = [tmp_path / f"{number}.faiss" for number in range(len(PARTS))]
    for path, part in zip(shards, PARTS, strict=True):
        write_faiss(path, filled(trained, part))
    path = tmp_path / "index.faiss"

    assert merge_on_disk(path, trained, shards) == len(VECTORS)
    assert trained.ntotal == 0
    whole = filled(trained, np.arange(len(VECTORS)))
    assert_same(read_faiss(path, mapped=True), whole)
    assert_same(faiss.read_index(str(path)), whole)


def test_what_has_packed_codes_is_not_merged_on_disk(tmp_path):
    """Packed lists cannot be mapped, so merging them on disk is refused by the shard's name."""
    trained = empty("IVF8,PQ8x4fs")
    write_faiss(tmp_path / "a.faiss", filled(trained, np.arange(10)))
    with pytest.raises(ValueError, match="has no plain inverted lists"):
        merge_on_disk(tmp_path / "index.faiss", trained, [tmp_path / "a.faiss"])

    assert not (tmp_path / "index.faiss").exists()


def test_shards_on_disk_share_no_id(tmp_path):
    """The id that two shards have is named, and nothing is written."""
    trained = empty("IVF8,Flat")
    write_faiss(tmp_path / "a", filled(trained, np.arange(10)))
    write_faiss(tmp_path / "b", filled(trained, np.arange(9, 20)))
    with pytest.raises(ValueError, match=f"id {IDS[9]} is in two shards"):
        merge_on_disk(tmp_path / "index.faiss", trained, [tmp_path / "a", tmp_path / "b"])

    assert not (tmp_path / "index.faiss").exists()


def test_a_shard_of_another_kind_is_refused(tmp_path):
    """Lists of another length are no part of the index, in memory and on disk."""
    trained, other = empty("IVF8,Flat"), empty("IVF4,Flat")
    write_faiss(tmp_path / "a", filled(other, np.arange(10)))
    with pytest.raises(ValueError, match="a is of another kind"):
        merge_on_disk(tmp_path / "index.faiss", trained, [tmp_path / "a"])
    with pytest.raises(ValueError, match="not two of one kind"):
        merge_into(filled(trained, np.arange(5)), filled(other, np.arange(10)))


def test_a_graph_is_not_merged():
    """HNSW has no merge in faiss: it is refused before anything is changed."""
    one, other = (filled(empty("IDMap,HNSW8"), rows) for rows in (np.arange(5), np.arange(5, 9)))
    with pytest.raises(ValueError, match="HNSW"):
        merge_into(one, other)

    assert not mergeable(one)
    assert (one.ntotal, other.ntotal) == (5, 4)


def test_ids_of_parts_come_back_sorted():
    """All ids of all parts are returned in order; no parts have none."""
    assert check_unique([np.array([5, 1]), np.array([3])]).tolist() == [1, 3, 5]
    assert check_unique([]).tolist() == []


@pytest.mark.parametrize("factory", [*FLAT, *PACKED, "IVF8,SQ8"])
def test_merged_in_memory_it_is_what_is_filled_at_once(factory):
    """To the byte, so that nothing of the memory before is in it, and rows can be added to it."""
    trained = empty(factory)
    index, whole = filled(trained, []), filled(trained, np.arange(2590))
    for rows in (np.arange(700), np.arange(700, 1990), np.arange(1990, 2590)):
        merge_into(index, filled(trained, rows))

    assert np.array_equal(faiss.serialize_index(index), faiss.serialize_index(whole))
    for one in (index, whole):
        one.add_with_ids(VECTORS[2590:], IDS[2590:])
    assert_same(index, whole)
