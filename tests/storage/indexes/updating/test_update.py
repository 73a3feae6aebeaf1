"""Updated indexes hold the rows that are there and find as a rebuilt one does."""

import numpy as np
import pytest

from storage.indexes.card import read_card
from storage.indexes.choosing.structure import fill
from storage.indexes.choosing.truth import exact_answers, load_truth
from storage.indexes.files import Index
from storage.indexes.questions import Questions
from storage.indexes.reading import read_faiss
from storage.indexes.updating import carry, fold
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from tests.storage.indexes.updating.changing import (
    ASKED,
    GOAL,
    QUESTIONS,
    SETTINGS,
    Lake,
    about,
    assert_sound,
    built,
    recall,
    update,
    vectors_of,
)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("few", [1000, 60], ids=["beside", "folded"])
def test_an_updated_index_answers_as_a_rebuilt_one(name, few, tmp_path, monkeypatch):
    """After rounds of rows that go, come, change and return: recall of a rebuild, no dead id.

    Whether what came lies beside the codes or was folded into them.
    """
    monkeypatch.setattr(fold, "FEW", few)
    lake, cards = Lake(3), []
    folder = built(tmp_path / "0", name, *lake.all)
    for number in range(1, 5):
        lake.change(0.02)
        to = tmp_path / str(number)
        cards.append(update(folder, to, lake))
        reached = assert_sound(to, lake)
        folder = to
    rebuilt = Index.open(built(tmp_path / "afresh", name, *lake.all))

    assert reached >= recall(rebuilt, *lake.all) - 0.005
    assert [card.updates for card in cards] == [1, 2, 3, 4]
    assert [read_card(tmp_path / str(card.updates) / "index.json") for card in cards] == cards
    folds = [card.updates for card in cards if card.added < cards[0].added]
    assert bool(folds) == (few < 1000 and name != "flat")


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes_keeps_the_rows_and_the_recall(seed, tmp_path, monkeypatch):
    """Updates of random sizes, empty ones too; what has to be built afresh is, and goes on."""
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(fold, "FEW", int(rng.choice([10, 80, 1000])))
    name = ["pq-half", "ivf-sq8", "hnsw-sq8"][seed % 3]
    lake = Lake(seed)
    folder = built(tmp_path / "0", name, *lake.all)
    for number in range(1, 6):
        lake.change(rng.choice([0, 0.001, 0.01, 0.04, 0.08]))
        to = tmp_path / str(number)
        if update(folder, to, lake) is None:
            to = built(tmp_path / f"afresh-{number}", name, *lake.all)
        reached = assert_sound(to, lake)
        folder = to
    rebuilt = Index.open(built(tmp_path / "rebuilt", name, *lake.all))

    assert reached >= recall(rebuilt, *lake.all) - 0.005


@pytest.mark.parametrize("name", ["pq-half", "rabitq", "ivf-pq", "ivf-sq8"])
def test_folded_codes_are_those_of_a_build_of_the_same_training(name, tmp_path, monkeypatch):
    """What was removed leaves nothing behind in the codes of what took its place."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(3)
    folder = built(tmp_path / "0", name, *lake.all)
    empty = read_faiss(folder / "index.faiss")
    empty.reset()
    for number in range(1, 3):
        lake.change(0.06)
        update(tmp_path / str(number - 1), tmp_path / str(number), lake)
    mine, other = read_faiss(tmp_path / "2" / "index.faiss"), fill(empty, *lake.all)
    if name.startswith("ivf"):
        mine.nprobe = other.nprobe = mine.nlist

    assert mine.ntotal == other.ntotal == len(lake.rows)
    assert np.array_equal(mine.search(ASKED, 10)[0], other.search(ASKED, 10)[0])


def test_answers_that_were_carried_over_are_exact(tmp_path):
    """The exact answers kept beside an updated index are those of all its rows."""
    lake = Lake(4)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    for number in range(1, 4):
        lake.change(0.03)
        update(folder, tmp_path / str(number), lake)
        folder = tmp_path / str(number)
        kept = load_truth(folder / "truth.npz", None).first(GOAL.k)
        expected = exact_answers(*lake.all, QUESTIONS.take(QUESTIONS.halves(0)[1]), GOAL.k)

        assert np.array_equal(kept.ids, expected.ids)
        assert kept.scores == pytest.approx(expected.scores, abs=1e-5)


def test_a_small_change_compares_no_query_with_all_rows(tmp_path, monkeypatch):
    """Enough answers are kept that those which went are made up for."""

    def refuse(*_):
        raise AssertionError("all rows are read")

    monkeypatch.setattr(carry.Together, "of", refuse)
    lake = Lake(4)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)

    assert update(folder, tmp_path / "1", lake) is not None


def test_answers_of_other_queries_are_not_carried_over(tmp_path):
    """Where the queries are others than those that were answered, all are answered anew."""
    lake = Lake(4)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    others = Questions(vectors_of(150, np.random.default_rng(9)), np.full(150, "audio"))
    update(folder, tmp_path / "1", lake, others)
    expected = exact_answers(*lake.all, others.take(others.halves(0)[1]), GOAL.k)

    assert np.array_equal(
        load_truth(tmp_path / "1" / "truth.npz", None).first(GOAL.k).ids, expected.ids
    )


def test_a_row_that_returns_as_it_was_is_alive_again(tmp_path):
    """Its tombstone goes; nothing is put beside."""
    lake = Lake(6)
    folder = built(tmp_path / "0", "hnsw-sq8", *lake.all)
    one = sorted(lake.rows)[5]
    vector = lake.rows.pop(one)
    without = update(folder, tmp_path / "1", lake)
    lake.rows[one] = vector
    again = update(tmp_path / "1", tmp_path / "2", lake)

    assert (without.dead, without.added) == (1, 0)
    assert (again.dead, again.added) == (0, 0)
    assert_sound(tmp_path / "2", lake)


def test_rows_of_which_nothing_comes_stay_as_they_were(tmp_path):
    """Only what may have changed has to be read: the rest keeps its vectors, wherever they lie."""
    lake = Lake(6)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.02)
    update(folder, tmp_path / "1", lake)
    new = lake.fresh(3)
    lake.rows |= new
    ids = np.array(sorted(new))
    wanted = Sought(lake.all[0], [(ids, np.stack([new[one] for one in ids.tolist()]))])
    card = updated(
        tmp_path / "1", tmp_path / "2", wanted, QUESTIONS, GOAL, about(len(lake.rows), "2")
    )

    assert card is not None
    assert_sound(tmp_path / "2", lake)


def test_a_finished_update_is_kept(tmp_path):
    """The same update again returns its card and changes no file."""
    lake = Lake(9)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    card = update(folder, tmp_path / "1", lake)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "1").iterdir()}

    assert update(folder, tmp_path / "1", lake) == card
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "1").iterdir()} == before
