import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import CorruptLakeError, UnsoundVectorError
from storage.indexes.choosing.build import build_index
from storage.indexes.choosing.vectors_file import (
    let_go,
    mapped_part,
    mapped_vectors,
    rows_of,
    write_vectors,
)
from storage.indexes.reading import read_faiss
from tests.factories import unit_vectors
from tests.storage.indexes.data import ids_of

N, D = 300, 12
IDS, VECTORS = ids_of(N), unit_vectors(N, D)


@pytest.fixture
def written(tmp_path):
    """A file below a path that is not ASCII, written in two blocks whose rows are mixed."""
    path, order = tmp_path / "索引" / "vectors.faiss", np.random.default_rng(1).permutation(N)
    write_vectors(path, IDS, D, ((rows, VECTORS[rows]) for rows in (order[:100], order[100:])))
    return path


def test_the_file_is_what_faiss_would_write(written):
    """Byte for byte, so that plain faiss reads it, with the rows' ids."""
    assert written.read_bytes() == faiss.serialize_index(build_index(IDS, VECTORS)).tobytes()

    index = read_faiss(written, mapped=True)
    assert index.search(VECTORS, 1)[1][:, 0].tolist() == IDS.tolist()


def test_the_mapped_vectors_are_those_written(written):
    """Ids and vectors come back exactly, and nobody can change the file through them."""
    ids, vectors = mapped_vectors(written)

    assert np.array_equal(ids, IDS)
    assert np.array_equal(vectors, VECTORS)
    assert not vectors.flags.writeable


def test_faiss_computes_with_mapped_vectors(written):
    """The mapped vectors can be searched as they are, without a copy."""
    ids, vectors = mapped_vectors(written)
    _, near = faiss.knn(VECTORS[:20], vectors, 1, metric=faiss.METRIC_INNER_PRODUCT)

    assert np.array_equal(ids[near[:, 0]], IDS[:20])


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 30), cuts=st.lists(st.integers(0, 30), max_size=4), seed=st.integers(0, 9))
def test_blocks_do_not_change_the_file(tmp_path_factory, n, cuts, seed):
    """Any blocks in any order, empty ones too, write the same file."""
    path = tmp_path_factory.mktemp("v") / "vectors.faiss"
    order = np.random.default_rng(seed).permutation(n)
    blocks = np.split(order, sorted(cut for cut in cuts if cut <= n))
    write_vectors(path, IDS[:n], D, ((rows, VECTORS[rows]) for rows in blocks))

    ids, vectors = mapped_vectors(path)
    assert np.array_equal(ids, IDS[:n])
    assert np.array_equal(vectors, VECTORS[:n])


@pytest.mark.parametrize(
    ("value", "length"), [(np.nan, "nan"), (np.inf, "inf"), (0.0, "0"), (3.0, "10.39")]
)
def test_a_vector_that_cannot_be_searched_is_refused_by_name(tmp_path, value, length):
    """Not finite or not of length 1: the error names the row, and no file is there."""
    bad = VECTORS.copy()
    bad[7] = value
    with pytest.raises(UnsoundVectorError, match=f"row {IDS[7]} .* length {length}"):
        write_vectors(tmp_path / "vectors.faiss", IDS, D, rows_of(bad))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ids", "blocks", "why"),
    [
        (IDS[::-1], rows_of(VECTORS), "sorted"),
        (np.array([4, 4]), rows_of(VECTORS[:2]), "id 4 comes twice"),
        (np.array([4, 5]), [(np.array([0, 0]), VECTORS[:2])], "id 4 comes twice"),
        (np.array([4, 5]), [(np.array([1]), VECTORS[:1])] * 2, "id 5 comes twice"),
        (np.array([4, 5]), [(np.array([0]), VECTORS[:1])], "no vector came for the id 5"),
        (np.array([4, 5]), [(np.array([0, 1]), VECTORS[:2, 1:])], "2 places, vectors of"),
        (np.array([4, 5]), [(np.array([0]), VECTORS[:2])], "1 places, vectors of"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path, ids, blocks, why):
    """Each id has one vector of the right dimension: none is shifted, lost or written twice."""
    with pytest.raises(ValueError, match=why):
        write_vectors(tmp_path / "vectors.faiss", ids, D, blocks)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:50],
        lambda data: b"IxFI" + data[4:],
        lambda data: data[:8] + (10**15).to_bytes(8, "little") + data[16:],
        lambda data: data[:-8] + bytes(8),
        lambda data: b"",
    ],
)
def test_a_damaged_file_is_refused_by_name(written, damage):
    """Cut off, of another kind, with another number of rows or ids that are not sorted."""
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(CorruptLakeError) as raised:
        mapped_vectors(written)

    assert raised.value.path == written


def test_a_missing_file_is_refused_by_name(tmp_path):
    """The error names the file."""
    with pytest.raises(CorruptLakeError, match="is missing"):
        mapped_vectors(tmp_path / "vectors.faiss")


def test_pages_let_go_of_are_read_again(written):
    """Letting go of what was read changes nothing of it; a plain array is left alone."""
    _, vectors = mapped_vectors(written)
    blocks = [rows.copy() for _, rows in rows_of(vectors, 5 * D)]
    let_go(VECTORS)

    assert len(blocks) == N // 5
    assert np.array_equal(np.concatenate(blocks), VECTORS)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (7, 100), (N - 3, N), (0, N)])
def test_a_range_of_rows_is_mapped_alone(written, start, stop):
    """Its ids and vectors are those of the whole file."""
    ids, vectors = mapped_part(written, start, stop)

    assert np.array_equal(ids, IDS[start:stop])
    assert np.array_equal(vectors, VECTORS[start:stop])


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (6, 5), (0, N + 1)])
def test_a_range_that_is_not_there_is_refused(written, start, stop):
    """No row stands for another, and no range is empty."""
    with pytest.raises(ValueError, match=f"has {N} rows"):
        mapped_part(written, start, stop)


def test_a_range_of_no_whole_file_is_refused(written):
    """A file that is cut off, or missing, is named."""
    written.write_bytes(written.read_bytes()[:-1])
    with pytest.raises(CorruptLakeError):
        mapped_part(written, 0, 1)
    written.unlink()
    with pytest.raises(CorruptLakeError, match="missing"):
        mapped_part(written, 0, 1)
