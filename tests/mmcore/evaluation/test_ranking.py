import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.evaluation import ranking
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, Within, rank, rank_both

NONE = Overrides.of([], [], [])


def ids(*numbers):
    """Ids as an array."""
    return np.array(numbers, dtype=np.int64)


def gallery(items, scores):
    """Rows whose product with the query (1, 0) is their score."""
    vectors = np.array([[s, 0] for s in scores], dtype=np.float32)
    return Gallery.of(np.array(items), np.array([f"c{i}" for i in items]), vectors)


QUERY = np.array([[1, 0]], dtype=np.float32)


def test_an_item_scores_by_its_best_row():
    """Item 2 has rows of 0.1 and 0.9 and comes before item 1 with 0.5."""
    found = rank(QUERY, gallery([2, 1, 2], [0.1, 0.5, 0.9]), [ids(1)], NONE, depth=10)

    assert found.found[0].tolist() == [2, 1]
    assert found.first.tolist() == [2]


def test_ties_go_to_the_smaller_id():
    """Equal scores are ordered by id, at the cut too."""
    found = rank(QUERY, gallery([5, 3, 9, 4], [0.5] * 4), [ids(5)], NONE, depth=2)

    assert found.found[0].tolist() == [3, 4]
    assert found.first.tolist() == [3]


def test_a_row_that_left_the_gallery_is_neither_found_nor_relevant():
    """Item 1 has only the hidden row, item 2 keeps another one."""
    rows = gallery([1, 2, 2], [0.9, 0.8, 0.1])
    hidden = Overrides.of([0, 0], [0, 1], [-np.inf, -np.inf])
    found = rank(QUERY, rows, [ids(1, 2)], hidden, depth=10)

    assert found.found[0].tolist() == [2]
    assert (found.relevant.tolist(), found.hits[0].tolist()) == ([1], [1])
    assert found.expected[0].tolist() == [2]
    assert found.sizes.tolist() == [1]


def test_an_override_can_raise_a_score():
    """A score that is given takes the place of the product."""
    found = rank(
        QUERY, gallery([1, 2], [0.9, 0.1]), [ids(2)], Overrides.of([0], [1], [0.95]), depth=1
    )

    assert found.found[0].tolist() == [2]


def test_relevant_items_outside_the_gallery_do_not_count():
    """An item without the modality cannot be found and is no miss."""
    found = rank(QUERY, gallery([1], [0.5]), [ids(1, 77)], NONE, depth=1)

    assert found.relevant.tolist() == [1]
    assert rank(QUERY, gallery([1], [0.5]), [ids(77)], NONE, depth=1).first.tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_blocks_change_nothing(data):
    """Rankings in blocks of few queries equal a sort of all scores, ties included."""
    items = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=14))
    levels = data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items)))
    rows = gallery(items, [level / 4 for level in levels])
    best = {i: max(s / 4 for j, s in zip(items, levels, strict=True) if i == j) for i in items}
    expected = sorted(best, key=lambda item: (-best[item], item))
    target = data.draw(st.sampled_from(items))
    depth = data.draw(st.integers(1, 9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_BLOCK_SCORES", 2 * len(items))
        found = rank(np.repeat(QUERY, 3, axis=0), rows, [ids(target)] * 3, NONE, depth=depth)

    place = expected.index(target) + 1
    assert [row.tolist() for row in found.found] == [expected[:depth]] * 3
    assert found.first.tolist() == [place] * 3
    assert [row.tolist() for row in found.hits] == [[place] if place <= depth else []] * 3


def test_an_override_holds_for_its_query_in_every_block(monkeypatch):
    """Each of three queries, in blocks of one, has its own row out of the gallery."""
    monkeypatch.setattr(ranking, "_BLOCK_SCORES", 1)
    rows = gallery([1, 2, 3], [0.9, 0.8, 0.7])
    hidden = Overrides.of([2, 0, 1], [0, 1, 2], [-np.inf] * 3)
    found = rank(np.repeat(QUERY, 3, axis=0), rows, [ids(1)] * 3, hidden, depth=3)

    assert [row.tolist() for row in found.found] == [[1, 3], [1, 2], [2, 3]]
    assert found.first.tolist() == [1, 1, 0]


def test_an_empty_gallery_has_nothing():
    """Nothing is found, and nothing raises."""
    nothing = Gallery.of(ids(), np.zeros(0, dtype="U1"), QUERY[:0])
    found = rank(QUERY, nothing, [ids(1)], NONE, depth=3)

    assert (len(found.found[0]), found.sizes.tolist(), found.first.tolist()) == (0, [0], [0])


def sorted_out(scores, items, right, depth):
    """The definition: round to six digits, best row of an item, the smaller id first."""
    best = {}
    for item, score in zip(items, np.round(scores, 6).tolist(), strict=True):
        best[item] = max(score, best.get(item, -np.inf))
    order = sorted((i for i in best if best[i] > -np.inf), key=lambda item: (-best[item], item))
    ranks = [order.index(item) + 1 for item in right if item in order]
    hits = sorted(rank for rank in ranks if rank <= depth)
    return order[:depth], hits, min(ranks, default=0), len(order), len(ranks)


def told(ranking, query):
    """The same of a ranking."""
    found, hits = ranking.found[query].tolist(), ranking.hits[query].tolist()
    counts = ranking.first[query], ranking.sizes[query], ranking.relevant[query]
    return (found, hits, *(int(count) for count in counts))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 700))
def test_only_scores_near_a_threshold_are_rounded(seed, depth, count):
    """Ranks are those of a sort of all rounded scores: with near ties, of large galleries, too."""
    rng = np.random.default_rng(seed)
    levels = np.round(rng.random(count), rng.integers(1, 4))
    scores = (levels + rng.integers(-3, 4, count) * 2.5e-7).astype(np.float32)
    items = np.sort(rng.integers(0, max(1, count - rng.integers(0, 40)), count))
    rows, right = gallery(items.tolist(), scores), np.unique(rng.choice(items, 3))
    out = rng.choice(count, rng.integers(0, 9))
    hidden = Overrides.of(np.zeros(len(out)), out, np.full(len(out), -np.inf))
    found = rank(QUERY, rows, [right], hidden, depth=depth)

    scores[out] = -np.inf
    assert told(found, 0) == sorted_out(scores, items.tolist(), right.tolist(), depth)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 300))
def test_a_part_is_ranked_as_if_it_were_all(seed, depth, count):
    """By the same products; what is right and not in the gallery counts as not found."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(count), 2).astype(np.float32)
    items = np.sort(rng.integers(0, max(1, count // 2), count))
    rows, right = gallery(items.tolist(), scores), np.unique(rng.choice(items, 3))
    mask, out = rng.random(count) < 0.7, rng.choice(count, 3)
    hidden = Overrides.of(np.zeros(3), out, np.full(3, -np.inf))
    queries = np.repeat(QUERY, 2, axis=0)
    whole, part = rank_both(
        queries,
        rows,
        [right, right],
        hidden,
        Within(mask, [np.append(right, 10_000), right]),
        depth=depth,
    )

    hid, narrow = scores.copy(), scores.copy()
    hid[out] = -np.inf
    assert told(whole, 0) == sorted_out(hid, items.tolist(), right.tolist(), depth)
    assert told(whole, 1) == sorted_out(scores, items.tolist(), right.tolist(), depth)
    for query, (base, lacking) in enumerate(((hid, 1), (scores, 0))):
        narrow = np.where(mask, base, -np.inf)
        *expected, _ = sorted_out(narrow, items.tolist(), right.tolist(), depth)
        assert told(part, query) == (*expected, len(right) + lacking)


@pytest.mark.parametrize("block", [1, 50, 10_000])
def test_rows_in_another_order_give_the_same_ranks(block, monkeypatch):
    """Whatever the blocks are, and however the rows come: ties are settled by ids alone."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((60, 8)).astype(np.float32)
    vectors = np.repeat(vectors, 2, axis=0)  # each twice, as two items
    queries, ids_ = rng.standard_normal((7, 8)).astype(np.float32), np.arange(120)
    right = [ids(number) for number in range(7)]
    names = np.array([f"c{i}" for i in ids_])
    plain = rank(queries, Gallery.of(ids_, names, vectors), right, NONE, depth=20)
    monkeypatch.setattr(ranking, "_BLOCK_SCORES", block)
    order = rng.permutation(120)
    mixed = Gallery.of(ids_[order], names[order], vectors[order])
    again = rank(queries, mixed, right, NONE, depth=20)

    for query in range(7):
        assert told(plain, query) == told(again, query)


def test_queries_that_could_not_ask_find_nothing():
    """They are put behind the others; how much is right for them is told."""
    found = rank(QUERY, gallery([1, 2], [0.9, 0.8]), [ids(2)], NONE, depth=1)
    both = found + Ranking.of_none([ids(4, 5)])

    assert told(both, 0) == ([1], [], 2, 2, 1)
    assert told(both, 1) == ([], [], 0, 0, 2)
    assert both.expected[1].tolist() == [4, 5]
    assert both.take([1, 0]).relevant.tolist() == [2, 1]


def test_queries_in_common_that_could_not_ask_found_nothing():
    """By name: b and c were ranked, and a was not; x is not in common."""
    queries = np.repeat(QUERY, 3, axis=0)
    found = rank(queries, gallery([7, 8], [0.9, 0.1]), [ids(8), ids(7), ids(7)], NONE, depth=10)
    common = {"c": 8, "b": 7, "a": 9}

    told, within = found.in_common(["c", "x", "b"], common, ids)

    assert told == [9, 7, 8]
    assert within.first.tolist() == [0, 1, 2]
    assert [one.tolist() for one in within.expected] == [[9], [7], [8]]
    assert within.sizes.tolist() == [0, 2, 2]
