import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.indexes.questions import Questions, joined, shares


def of(counts):
    """As many queries of each kind."""
    kinds = np.repeat([f"kind {place}" for place in range(len(counts))], counts)
    return Questions(np.zeros((len(kinds), 2), np.float32), kinds)


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(0, 99))
def test_halves_are_halves_of_all_and_of_each_kind(counts, seed):
    """Each query is in one of them; of each kind, and of all, they differ by one at most."""
    questions = of(counts)
    tuning, reporting = questions.halves(seed)

    assert sorted([*tuning, *reporting]) == list(range(len(questions)))
    assert len(tuning) - len(reporting) in {0, 1}
    for kind in np.unique(questions.kinds):
        mine = [int((questions.kinds[half] == kind).sum()) for half in (tuning, reporting)]
        assert abs(mine[0] - mine[1]) <= 1


@given(st.dictionaries(st.text("abc"), st.integers(0, 30), max_size=5), st.integers(0, 60))
def test_shares_are_as_many_of_each_as_there_are_or_fit(counts, most):
    """None gets more than it has; who gets less than it has gets as much as any other."""
    found = shares(counts, most)

    assert found.keys() == counts.keys()
    assert sum(found.values()) <= most
    for kind, share in found.items():
        assert share <= counts[kind]
        assert share == counts[kind] or share >= max(found.values()) - 1


def test_joined_queries_keep_what_asks():
    """One after the other, each with its kind."""
    found = joined({"image": np.ones((2, 3), np.float32), "text zh": np.zeros((1, 3), np.float32)})

    assert found.kinds.tolist() == ["image", "image", "text zh"]
    assert found.vectors.sum(axis=1).tolist() == [3, 3, 0]
