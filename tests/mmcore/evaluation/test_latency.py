import itertools

import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.latency import latency
from mmcore.specs import EvaluationSpec
from storage.snapshot import Snapshot
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import bench_of, terms_of


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """An item a colour."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(), towers())


def stopped(*milliseconds):
    """A clock by which searches take these times, one after another."""
    ends = itertools.accumulate(
        time for taken in itertools.cycle(milliseconds) for time in (0, taken / 1000)
    )
    return lambda: next(ends)


def test_single_searches_are_timed(lake):
    """Of four searches of 1, 2, 3 and 10 ms, the median is 2.5 and the 95 % quantile near 10."""
    spec = EvaluationSpec(min_queries=1, latency_queries=4)
    found = latency(lake, bench_of(lake, terms_of(lake, spec=spec)), stopped(1, 2, 3, 10))

    assert found is not None
    assert (found.queries, found.threads) == (4, 1)
    assert found.p50 == pytest.approx(2.5)
    assert found.p95 == pytest.approx(np.quantile([1, 2, 3, 10], 0.95))


def test_what_cannot_be_asked_is_not_timed(lake):
    """Nothing is timed where nobody wants it, no text asks, or texts are not kept."""
    none = EvaluationSpec(min_queries=1, latency_queries=0)
    private = Snapshot(lake.layout, lake.manifest.model_copy(update={"private": True}))
    bare = Snapshot(lake.layout, lake.manifest.model_copy(update={"indexes": []}))
    bench = bench_of(lake, terms_of(lake))
    seen = FittedOn(contents=frozenset(lake.rows("files")["content_id"].to_pylist()))

    assert latency(lake, bench_of(lake, terms_of(lake, spec=none))) is None
    assert latency(private, bench) is None
    assert latency(bare, bench) is None
    assert latency(lake, bench_of(lake, terms_of(lake, fitted=seen))) is None
