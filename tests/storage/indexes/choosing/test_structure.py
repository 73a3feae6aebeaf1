import logging

import faiss
import numpy as np
import pytest

from storage.indexes.choosing.kinds import Kind, kinds
from storage.indexes.choosing.structure import fill, inner, threads, train_sample, trained
from tests.storage.indexes.data import clustered, ids_of

N, D = 2000, 16
IDS, (VECTORS, QUERIES) = ids_of(N), clustered(N, D, 20)
ROTATED = Kind("opq-ivf-pq", "OPQ4_8,IVF8_HNSW32,PQ4x4fs", knob="nprobe", sample=N, lists=8)
ALL = (*kinds(N, D), ROTATED)


def made(kind, seed=0):
    """The filled index of a kind, made with one thread."""
    with threads(1):
        index = trained(kind, D, train_sample(VECTORS, kind.sample, seed), seed)
        return fill(index, IDS, VECTORS, 300 * D)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_same_seed_gives_the_same_bytes(kind):
    """With one thread the same rows and seed make the same file."""
    one, other = faiss.serialize_index(made(kind)), faiss.serialize_index(made(kind))

    assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_every_kind_answers_with_row_ids(kind):
    """What an index finds are ids of rows, and of near ones."""
    index = made(kind)
    _, found = index.search(VECTORS[:200], 20)

    assert set(found.ravel().tolist()) <= {*IDS.tolist(), -1}
    assert np.mean((found == IDS[:200, None]).any(axis=1)) > 0.5


@pytest.mark.parametrize("name", ["pq-half", "ivf-pq"])
def test_another_seed_trains_another_index(name):
    """The seed reaches faiss: centroids are others."""
    kind = next(kind for kind in ALL if kind.name == name)
    one, other = faiss.serialize_index(made(kind)), faiss.serialize_index(made(kind, seed=1))

    assert not np.array_equal(one, other)


def test_a_sample_is_drawn_over_all_rows():
    """Its rows come from the whole, each once, and in their order."""
    numbered = np.repeat(np.arange(N, dtype=np.float32)[:, None], 2, axis=1)
    sample = train_sample(numbered, 200, seed=3)[:, 0]

    assert np.all(np.diff(sample) > 0)
    assert sample.min() < 0.1 * N
    assert sample.max() > 0.9 * N
    assert np.histogram(sample, bins=4, range=(0, N))[0].min() > 25
    assert np.array_equal(sample, train_sample(numbered, 200, seed=3)[:, 0])
    assert not np.array_equal(sample, train_sample(numbered, 200, seed=4)[:, 0])


def test_a_sample_is_all_where_there_are_no_more():
    """Asking for more rows than there are gives all, as a copy."""
    sample = train_sample(VECTORS, N + 1, seed=0)

    assert np.array_equal(sample, VECTORS)
    assert not np.shares_memory(sample, VECTORS)


def test_too_few_rows_a_centroid_are_warned_of(caplog, capfd):
    """Below 39 rows a centroid it is said, by us and not by faiss."""
    kind = next(kind for kind in ALL if kind.name == "ivf-flat")
    with caplog.at_level(logging.WARNING):
        trained(kind, D, VECTORS[:100])

    assert "trained on 100 rows for 32 centroids: at least 1248" in caplog.text
    ours = trained.__module__  # Prefect's handler may print our log, if a flow ran before
    assert [line for line in capfd.readouterr().err.splitlines() if ours not in line] == []


def test_enough_rows_are_not_warned_of(caplog):
    """The samples that kinds ask for are large enough for them."""
    for kind in kinds(N, D):
        trained(kind, D, train_sample(VECTORS, kind.sample, 0))

    assert caplog.text == ""


def test_threads_are_as_before_afterwards():
    """Only within the block faiss takes the threads asked for, also after an error."""
    before, within = faiss.omp_get_max_threads(), []

    def work():
        with threads(before + 1):
            within.append(faiss.omp_get_max_threads())
            raise KeyError

    with pytest.raises(KeyError):
        work()

    assert (within, faiss.omp_get_max_threads()) == ([before + 1], before)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_what_codes_the_vectors_lies_within(kind):
    """Under what maps ids and what rotates there is one index with all rows."""
    index = made(kind)

    assert inner(index).ntotal == N
    assert not isinstance(inner(index), faiss.IndexIDMap | faiss.IndexPreTransform)
