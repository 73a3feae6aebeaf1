import faiss
import numpy as np
import pytest

from storage.errors import CorruptLakeError
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index
from storage.indexes.exact import exact_search
from storage.indexes.files import Index, write_index
from tests.factories import WHEN, unit_vectors

IDS = np.array([2**62 + i for i in range(20)])
VECTORS = unit_vectors(20, 4)
QUERIES = unit_vectors(3, 4, seed=1)


def card(rows=20, dim=4):
    """The card of an index."""
    return IndexCard(
        space="words", modality="text", dim=dim, rows=rows, created_at=WHEN, build="b1"
    )


@pytest.fixture
def folder(tmp_path):
    """A written index below a path that is not ASCII."""
    return write_index(tmp_path / "索引 d'été", build_index(IDS, VECTORS), card())


def test_scores_are_inner_products(folder):
    """An opened index answers as exact search does: the same ids, with their inner products."""
    scores, ids = Index.open(folder).search(QUERIES, 5)
    exact_scores, exact_ids = exact_search(IDS, VECTORS, QUERIES, 5)

    assert np.array_equal(ids, exact_ids)
    assert scores == pytest.approx(exact_scores, abs=1e-6)
    assert (scores.dtype, ids.dtype) == (np.float32, np.int64)


def test_plain_faiss_reads_the_file(folder):
    """faiss.read_index opens the file without us, ids included."""
    index = faiss.read_index(str(folder / "index.faiss"))
    _, ids = index.search(VECTORS, 1)

    assert ids[:, 0].tolist() == IDS.tolist()


def test_allowed_ids_still_give_k_results(folder):
    """With allowed ids the best of those come back, as if the index held nothing else."""
    allowed = IDS[[3, 5, 7, 11]]
    scores, ids = Index.open(folder).search(QUERIES, 4, allowed)
    exact_scores, exact_ids = exact_search(allowed, VECTORS[[3, 5, 7, 11]], QUERIES, 4)

    assert np.array_equal(ids, exact_ids)
    assert scores == pytest.approx(exact_scores, abs=1e-6)


@pytest.mark.parametrize(
    ("allowed", "found"), [(None, 20), (IDS[:2], 2), (IDS[:0], 0), (np.array([1]), 0)]
)
def test_where_there_are_fewer_than_k_the_rest_is_marked(folder, allowed, found):
    """Beyond what there is the id is -1 and the score -inf, also when no allowed id is there."""
    scores, ids = Index.open(folder).search(QUERIES, 25, allowed)

    assert ids.shape == scores.shape == (3, 25)
    assert np.all(ids[:, :found] >= 0)
    assert np.all(ids[:, found:] == -1)
    assert np.all(scores[:, found:] == -np.inf)


def test_an_empty_index_answers_with_nothing(tmp_path):
    """An index without rows is written, opened and searched."""
    empty = build_index(np.empty(0, np.int64), np.empty((0, 4), np.float32))
    index = Index.open(write_index(tmp_path / "i", empty, card(rows=0)))
    scores, ids = index.search(QUERIES, 2)

    assert ids.tolist() == [[-1, -1]] * 3
    assert np.all(scores == -np.inf)
    assert index.search(QUERIES[:0], 2)[1].shape == (0, 2)


def test_a_query_of_another_dimension_is_refused(folder):
    """A query that does not fit is an error, not a crash of faiss."""
    with pytest.raises(ValueError, match="4 dimensions"):
        Index.open(folder).search(unit_vectors(1, 5), 1)


def test_a_finished_build_is_kept(folder):
    """A published snapshot may name a build, so it is never written again."""
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    write_index(folder, build_index(IDS, -VECTORS), card())

    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert set(before) == {"index.faiss", "index.json"}


def test_a_card_must_fit_its_index(tmp_path, folder):
    """A card that counts other rows is refused when written and when read."""
    with pytest.raises(ValueError, match="card of 3"):
        write_index(tmp_path / "i", build_index(IDS, VECTORS), card(rows=3))

    (folder / "index.json").write_text(card(rows=3).model_dump_json())
    with pytest.raises(CorruptLakeError):
        Index.open(folder)


@pytest.mark.parametrize("name", ["index.faiss", "index.json"])
@pytest.mark.parametrize("keep", [None, 0, 60])
def test_a_damaged_index_is_named(folder, name, keep):
    """A missing, empty or truncated file raises an error that names it."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if keep is not None:
        path.write_bytes(content[:keep])

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == path
