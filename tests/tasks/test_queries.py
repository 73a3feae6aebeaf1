"""The table of frozen queries in a candidate."""

import pytest

from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.specs import EvaluationSpec, FitSpec
from storage.snapshot import Snapshot
from tasks.queries import freeze_queries
from tasks.workplace import Workplace
from tests.lakes import coloured_items, make_lake, towers

HALF = FitSpec(held_out=0.5)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A snapshot without the table, as an earlier version published it."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=3), towers())


def frozen(snapshot, published, fit=HALF):
    """The candidate, a snapshot here, with its queries."""
    work = Workplace.of(snapshot)
    manifest = freeze_queries.fn(snapshot.manifest, EvaluationSpec(), fit, work, published)
    return Snapshot.of(snapshot.layout, manifest)


def test_the_first_run_on_an_older_lake_freezes(lake):
    """The candidate names one more table, and nothing else is other."""
    found = frozen(lake, lake)

    new = {file.path for file in found.manifest.files}
    assert found.manifest.paths("queries") == sorted(
        new - {file.path for file in lake.manifest.files}
    )
    assert FrozenSet.of(found).contents("image→text:zh")


def test_two_runs_name_the_same_parts(lake):
    """So nothing has changed, and nothing is published."""
    once = frozen(lake, None)

    assert frozen(lake, once).manifest == once.manifest
    assert frozen(once, once).manifest == once.manifest


def test_a_promotion_names_its_queries_once(lake):
    """Its candidate comes with the rows of what serves: they are replaced, not added to."""
    few = frozen(lake, None, FitSpec(held_out=0.2))
    more = frozen(few, few)

    assert FrozenSet.of(few).directions != FrozenSet.of(more).directions
    for name, contents in FrozenSet.of(few).directions.items():
        assert set(contents) <= set(FrozenSet.of(more).contents(name))
    rows = more.rows("queries").to_pylist()
    assert len(rows) == len({tuple(row.values()) for row in rows})


def test_queries_that_a_damaged_lake_lost_are_chosen_anew(lake):
    """Without the table of before they are the first by hash again."""
    once = frozen(lake, None)

    assert frozen(once, None).manifest.files == once.manifest.files
