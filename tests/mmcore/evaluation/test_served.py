import numpy as np
import pytest

from mmcore.evaluation.evaluate import outcomes
from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.served import served_outcomes, served_scores
from mmcore.specs import EvaluationSpec
from storage.schemas import Modality
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import asked, bench_of, listing_half, same_scores, terms_of
from tests.mmcore.evaluation.test_recall import with_index


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items a colour, and one with two pictures: its index has two rows of it."""
    two = {"two": {"a.png": "red", "b.png": "blue", "two.txt": "The red and the blue."}}
    root = tmp_path_factory.mktemp("lake")
    return make_lake(root, {**coloured_items(copies=2), **two}, towers())


def served(snapshot, terms):
    """Direction → what its index answers."""
    found = served_outcomes(snapshot, bench_of(snapshot, terms), snapshot.manifest.indexes)
    return {one.name: one for _, one in found}


def test_exact_indexes_serve_what_products_find(lake):
    """The same queries, answers and scores, without a query's own content; not of fused ones."""
    terms = terms_of(lake)
    found, exact = served(lake, terms), asked(lake, terms)

    assert found.keys() == {
        name for name in exact if not name.endswith("→fused") and "withheld" not in name
    } - {"present→image"}
    for name, one in found.items():
        full = exact[name].full
        assert one.kind == "flat"
        assert same_scores(one, full), name
        assert np.array_equal(one.ranking.sizes, full.ranking.sizes)
        assert np.array_equal(one.ranking.relevant, full.ranking.relevant)
        assert np.array_equal(one.ranking.first, full.ranking.first)


def test_what_an_index_lacks_is_not_served(lake):
    """Of texts it has half: the others are right, and cannot come up."""
    _, ids, vectors = lake.vectors(Modality.TEXT)
    terms = terms_of(lake)
    found = served(with_index(lake, ids[::2], vectors[::2]), terms)

    assert found.keys() == {name for name in served(lake, terms) if "→text" in name}
    means = [one.means()["R@10"] for one in found.values()]
    assert 0 < np.mean(means) < 0.8


def test_few_ranks_are_enough(lake):
    """Where a fetch has too few items, since its rows are of one item, more is fetched."""
    spec = EvaluationSpec(min_queries=1, depth=1, cutoffs=(1,), served_queries=3)
    found = served(lake, terms_of(lake, spec=spec))

    assert {len(one.queries) for one in found.values()} == {3}
    assert all(len(ids) == 10 for one in found.values() for ids in one.ranking.found)


def scores(snapshot, terms):
    """What a report has of its indexes."""
    bench = bench_of(snapshot, terms)
    exact = [one.full for one in outcomes(bench) if isinstance(one, Measured)]
    return served_scores(snapshot, bench, exact)


def test_what_an_index_costs_is_told(lake):
    """Of one that lacks half of the rows, beside exact search over the same queries."""
    found = scores(listing_half(lake), terms_of(lake))

    assert {(one.index, one.kind) for one in found} == {("colours-text", "ivf-flat")}
    assert {one.direction for one in found} >= {"image→text:en"}
    assert all(one.means.keys() == one.exact.keys() for one in found)
    lost = [one.exact["R@10"] - one.means["R@10"] for one in found]
    assert min(lost) >= 0
    assert max(lost) > 0.1


def test_an_exact_index_costs_nothing(lake):
    """It is not asked again: what leaves nothing out answers as exact search does."""
    assert scores(lake, terms_of(lake)) == []
