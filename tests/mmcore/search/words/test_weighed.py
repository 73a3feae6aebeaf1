"""BM25's weights."""

import math

import numpy as np
import pytest

from mmcore.search.words.library import bm25s
from mmcore.search.words.weighed import NAME_K1, packed, weigh


def weighed(documents, texts=None, words=None):
    """The matrix of lists of word numbers."""
    lengths = np.array([len(one) for one in documents], dtype=np.int64)
    numbers = np.array([word for one in documents for word in one], dtype=np.int32)
    places = np.repeat(np.arange(len(documents), dtype=np.int32), lengths)
    count = words or int(numbers.max(initial=-1)) + 1
    return weigh(packed(numbers, places), lengths, texts or len(documents), count)


def test_weights_are_those_of_bm25s(rng):
    """Of texts alone the matrix is the one that the library makes, in its own loops."""
    documents = [rng.integers(0, 40, rng.integers(1, 30)).tolist() for _ in range(200)]
    reference = bm25s().BM25(method="lucene", k1=1.5, b=0.75)
    reference.index(
        (documents, {str(word): word for word in range(40)}),
        show_progress=False,
        create_empty_token=False,
    )

    found = weighed(documents, words=40)

    assert found.starts.tolist() == reference.scores["indptr"].tolist()
    assert found.documents.tolist() == reference.scores["indices"].tolist()
    np.testing.assert_allclose(found.weights, reference.scores["data"], rtol=1e-5)


def test_a_name_has_lengths_and_a_k1_of_its_own():
    """Long texts make no name weigh less: ln(1 + (N - n + .5) / (n + .5)) / (1 + k1 · norm)."""
    found = weighed([[0] * 100, [1], [1, 2]], texts=1)
    rare = math.log(1 + (3 - 2 + 0.5) / 2.5)
    short, long = (NAME_K1 * (0.25 + 0.75 * length / 1.5) for length in (1, 2))

    assert found.weights[found.of(1)] == pytest.approx([rare / (1 + short), rare / (1 + long)])


def test_nothing_is_a_matrix_too():
    """Without words, or without documents, there are no entries."""
    for found in (weighed([]), weighed([[], []])):
        assert len(found.documents) == len(found.weights) == 0
        assert found.starts.tolist() == [0]
