"""Large indexes are chosen by measuring."""

import logging
from uuid import uuid4

import pytest

from mmcore.errors import EvaluationError
from mmcore.specs import IndexSpec, StorageSpec
from storage.errors import NothingFitsError
from storage.indexes.card import CARD, CODES, read_card
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.flows.large_indexes.growing import (
    LOW,
    PICTURES,
    add,
    failing,
    findings,
    held,
    live,
    opened,
)


def test_a_large_index_is_chosen_by_real_queries(lake):
    """Texts are asked for by pictures; small indexes beside stay exact, and nothing asks them."""
    snapshot, _, card = opened(lake)
    others = [read_card(lake.root / one.path / CARD) for one in snapshot.manifest.indexes]

    assert card.type != "flat"
    assert (card.reached.asked, set(card.reached.by)) == ("queries", {"image"})
    assert card.reached.recall >= 0.9
    assert any(point.fits for point in card.tried)
    assert {one.reached for one in others if one.modality != Modality.TEXT} == {None}
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_the_report_tells_what_was_tried(lake):
    """report.html has the table, the plot and what serves."""
    page = (lake.report("1") / "report.html").read_text("utf-8")

    assert "joint-text: what was tried" in page
    assert "<svg" in page


def test_a_build_says_which_index_it_is(folder, index, tmp_path, caplog):
    """Its kinds are told after it."""
    caplog.set_level(logging.INFO)
    index(folder, tmp_path / "told")

    assert "the index joint-text: 1000 rows; kinds are built and measured" in caplog.messages


def test_nothing_fits_publishes_nothing(lake, folder, index):
    """A budget that no kind keeps stops the run; what serves goes on, and no work is lost."""
    served, cells = Snapshot.open(lake).manifest, list(lake.root.glob("embeddings/**/*.parquet"))
    add(folder, PICTURES)
    narrow = LOW.model_copy(update={"memory_mb": 0.001})

    with pytest.raises(NothingFitsError) as told:
        index(folder, lake.root, narrow)

    assert told.value.exit_code == 9
    assert told.value.tried
    assert told.value.name in {entry.name for entry in served.indexes}
    assert f"no index over {told.value.name} reaches" in str(told.value)
    assert Snapshot.open(lake).manifest == served
    assert len(list(lake.root.glob("embeddings/**/*.parquet"))) > len(cells)
    assert not list(lake.staging.glob("*"))
    assert index(folder, lake.root).new == {"hash-text": 0, "hash-image": 0}


def test_a_finished_build_outlives_a_run_that_fails(lake, folder, index, monkeypatch):
    """What was built and not published is found again by the next run, and not built twice."""
    from flows.stages import gating
    from tasks import index_builds

    add(folder, PICTURES)
    built = []
    for name in ("built", "updated"):
        call = getattr(index_builds, name)
        monkeypatch.setattr(
            index_builds, name, lambda *a, c=call, n=name: built.append(n) or c(*a)
        )
    with monkeypatch.context() as patch:
        patch.setattr(gating, "propose_candidate", failing)
        with pytest.raises(EvaluationError):
            index(folder, lake.root)
    first = list(built)
    index(folder, lake.root)

    assert first == built == ["updated"]
    assert held(lake) == live(lake)


def test_another_goal_is_another_index(lake, folder, index):
    """A run that is told another recall builds anew, though no file changed."""
    before = opened(lake)[1].path
    index(folder, lake.root, LOW.model_copy(update={"recall": 0.95}))

    assert opened(lake)[1].path != before
    assert opened(lake)[2].updates == 0


def test_a_small_lake_asks_nothing(folder, index, tmp_path, monkeypatch):
    """Below the threshold no query is made, and the index is the plain one."""
    from tasks.index_questions import IndexQuestions

    monkeypatch.setattr(IndexQuestions, "of", failing)
    index(folder, tmp_path / "small", IndexSpec())
    _, _, card = opened(Layout(tmp_path / "small"))

    assert (card.type, card.files, card.reached) == ("flat", (CODES,), None)


def test_a_lake_in_a_store_has_the_same_index(folder, index, lake):
    """A large index is built and updated in a store as in a folder, and no file stays behind."""
    root = place_of(f"memory://{uuid4().hex}/lake")
    index(folder, root)
    add(folder, PICTURES)
    (folder / "3.txt").unlink()
    index(folder, root)
    index(folder, lake.root)
    there = Layout(root)

    assert opened(there)[2].updates == opened(lake)[2].updates == 1
    assert held(there) == held(lake) == live(there)
    assert findings(there) == ()
    assert not there.staging.exists() or not list(there.staging.iterdir())


def test_vectors_of_half_precision_are_indexed_too(folder, index, tmp_path):
    """What float16 rounds is within what an index takes."""
    index(folder, tmp_path / "half", storage=StorageSpec(dtype="float16"))
    lake = Layout(tmp_path / "half")

    assert opened(lake)[2].type != "flat"
    assert held(lake) == live(lake)
    assert findings(lake) == ()
