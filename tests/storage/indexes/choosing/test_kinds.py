import faiss
import pytest

from storage.indexes.choosing import kinds as module
from storage.indexes.choosing.kinds import (
    FEWEST,
    exact_is_cheap,
    flat,
    kind_named,
    kinds,
    lists_for,
)
from storage.indexes.choosing.structure import fill, train_sample, trained
from storage.indexes.goal import Goal
from tests.factories import unit_vectors
from tests.storage.indexes.data import ids_of

N, D = 5000, 32


@pytest.mark.parametrize("kind", kinds(N, D), ids=lambda kind: kind.name)
def test_memory_is_what_the_index_takes(kind):
    """What a kind says that it holds is the size of its file, give or take 4 %.

    A kind with lists counts the sorted ids that are held beside it, which its file has not.
    """
    vectors = unit_vectors(N, D)
    index = trained(kind, D, train_sample(vectors, kind.sample, 0))
    size = faiss.serialize_index(fill(index, ids_of(N), vectors)).nbytes
    beside = 8 * N if kind.lists else 0

    assert kind.memory(N) == pytest.approx(size + beside, rel=0.04)


def test_memory_of_the_rotated_kind(monkeypatch):
    """At scale codes are short, lists and their graph and the rotation come on top."""
    monkeypatch.setattr(module, "_LARGE", N)
    kind = kind_named("opq-ivf-pq", N, D)
    vectors = unit_vectors(N, D)
    size = faiss.serialize_index(fill(trained(kind, D, vectors), ids_of(N), vectors)).nbytes

    assert kind.memory(N) == pytest.approx(size + 8 * N, rel=0.06)


def test_kinds_come_in_order_of_cost():
    """Exact search comes first, then codes without lists, then lists, then graphs."""
    names = [kind.name for kind in kinds(N, D)]

    assert names == [
        *("flat", "pq-half", "pq-quarter", "rabitq"),
        *("ivf-pq", "ivf-sq8", "ivf-flat", "hnsw-sq8", "hnsw"),
    ]
    assert [kind.name for kind in kinds(10**7, D)][-1] == "opq-ivf-pq"


def test_lists_come_before_long_scans():
    """Where a query would scan more than 256 MB, kinds that read some lists are tried first."""
    few, many = ([kind.name for kind in kinds(n, 512)] for n in (1_000_000, 3_000_000))

    assert few.index("pq-half") < few.index("ivf-pq")
    assert many.index("ivf-pq") < many.index("pq-half")


@pytest.mark.parametrize(("n", "there"), [(623, False), (624, True)])
def test_codes_need_rows_to_be_trained_on(n, there):
    """Below 39 rows for each of 16 centroids there are neither codes nor lists."""
    names = {kind.name for kind in kinds(n, D)}

    assert {"flat", "hnsw-sq8", "hnsw"} <= names
    assert ("pq-half" in names, "ivf-pq" in names) == (there, there)


@pytest.mark.parametrize("d", [2, 6, 7, 10, 48, 100, 384, 512, 768, 1024])
def test_factories_fit_the_dimension(d):
    """Whatever the dimension, faiss can make each kind: subquantisers divide it."""
    for kind in kinds(10_000, d):
        assert faiss.index_factory(d, kind.factory, faiss.METRIC_INNER_PRODUCT).d == d


def test_exact_search_is_cheap_while_it_is_small_and_no_budget_bars_it():
    """One number more, one byte less, or a latency to keep, and it is not taken unmeasured."""
    memory = flat(D).memory(N)

    assert exact_is_cheap(N, D, Goal(cheap=N * D, memory=memory))
    assert not exact_is_cheap(N, D, Goal(cheap=N * D - 1))
    assert not exact_is_cheap(N, D, Goal(memory=memory - 1))
    assert not exact_is_cheap(N, D, Goal(latency=1000))


@pytest.mark.parametrize("n", [0, 38, 39, 1000, 5000, 99_999, 10**6, 10**9])
def test_each_list_has_enough_rows_to_be_trained_on(n):
    """A power of two near twice the square root, or fewer where rows are few."""
    lists = lists_for(n)

    assert lists * FEWEST <= n
    assert lists & (lists - 1) == 0
    if n >= 5000:
        assert n**0.5 <= lists <= 4 * n**0.5


def test_the_values_of_a_knob_rise_to_all_lists():
    """1, 2, 3, 4, 6 … and at last all lists, so that every recall of the codes can be reached."""
    knobs = kind_named("ivf-pq", N, D).knobs

    assert knobs[:5] == (1, 2, 3, 4, 6)
    assert list(knobs) == sorted(set(knobs))
    assert knobs[-1] == lists_for(N)
    assert kind_named("pq-half", N, D).knobs == ()


def test_a_kind_that_cannot_be_is_refused_by_name():
    """Ten rows have no lists."""
    with pytest.raises(ValueError, match="no kind 'ivf-pq' for 10 rows of 32"):
        kind_named("ivf-pq", 10, D)


def test_graphs_do_not_merge_and_packed_lists_are_not_mapped():
    """What can be built in shards, and what of it can be left on disk."""
    there = kinds(N, D)

    assert {kind.name for kind in there if not kind.merges} == {"flat", "hnsw-sq8", "hnsw"}
    assert {kind.name for kind in there if kind.mappable} == {"ivf-sq8", "ivf-flat"}
    with pytest.raises(ValueError, match="ivf-pq"):
        kind_named("ivf-pq", N, D).on_disk()
