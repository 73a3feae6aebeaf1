from dataclasses import replace

import numpy as np
import pytest

from storage.errors import CorruptLakeError
from storage.indexes.card import Fresh, IndexCard, Setting, read_card
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill, threads, trained
from storage.indexes.choosing.truth import SPARE, exact_answers, load_truth
from storage.indexes.choosing.tuning import Asked, reached_by, recall_of
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.updating import carry, fold
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from storage.manifest import sha256
from storage.places.atomic import write_bytes
from tests.factories import WHEN

DIM, ROWS = 16, 2500
GOAL = Goal(recall=0.9, cheap=0, threads=1)
SETTINGS = {
    "flat": Setting(),
    "pq-half": Setting(depth=6),
    "rabitq": Setting(depth=24),
    "ivf-pq": Setting(nprobe=32, depth=6),
    "ivf-sq8": Setting(nprobe=32, depth=2),
    "hnsw-sq8": Setting(ef=128, depth=2),
    "hnsw": Setting(ef=128),
}
RNG = np.random.default_rng(0)
CENTRES = RNG.standard_normal((40, DIM))


def vectors_of(n, rng):
    """(n, d) unit vectors in clusters."""
    rows = CENTRES[rng.integers(len(CENTRES), size=n)] + 0.7 * rng.standard_normal((n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


ASKED = vectors_of(200, np.random.default_rng(7))
QUESTIONS = Questions(ASKED, np.full(len(ASKED), "text en"))


def about(rows, build):
    """What a card says before anything is built."""
    return IndexCard(
        space="words", modality="image", dim=DIM, rows=rows, created_at=WHEN, build=build
    )


def built(folder, name, ids, vectors):
    """The build of a kind with a setting that reaches the goal, whatever the choice would be."""
    kind, setting = kind_named(name, ROWS, DIM), SETTINGS[name]
    card = about(len(ids), folder.name).model_copy(update={"type": name, "setting": setting})
    if name == "flat":
        write_vectors(folder / "index.faiss", ids, DIM, rows_of(vectors))
    else:
        with threads(1):
            index = fill(trained(kind, DIM, vectors), ids, vectors)
        write_vectors(folder / "vectors.faiss", ids, DIM, rows_of(vectors))
        write_faiss(folder / "index.faiss", index)
        card = card.model_copy(update={"files": ("index.faiss", "vectors.faiss")})
    truth = exact_answers(ids, vectors, QUESTIONS, GOAL.k + SPARE)
    truth.save(folder / "truth.npz")
    truth = truth.first(GOAL.k)
    write_bytes(folder / "index.json", card.model_dump_json().encode())
    reporting = Asked(QUESTIONS, truth).take(QUESTIONS.halves(0)[1])
    recalls = recall_of(Index.open(folder).engine, reporting, setting, GOAL)
    reached = reached_by(recalls, reporting.questions, GOAL.k)
    files = (*card.files, "truth.npz")
    card = card.model_copy(update={"reached": reached, "files": files})
    write_bytes(folder / "index.json", card.model_dump_json().encode())
    return folder


class Lake:
    """Rows that change at random, and those that were there once."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.rows = self.fresh(ROWS)
        self.gone = {}

    def fresh(self, n):
        """New rows."""
        ids = self.rng.choice(2**62, n, replace=False).tolist()
        return dict(zip(ids, vectors_of(n, self.rng), strict=True))

    def change(self, share):
        """Some go, some return, some come, some get another vector."""
        count = int(share * ROWS)
        ids = self.rng.choice(sorted(self.rows), 2 * count, replace=False).tolist()
        returned = sorted(self.gone)[:: max(1, len(self.gone) // (count // 2 + 1))]
        for one in returned[: count // 2]:
            self.rows[one] = self.gone.pop(one)
        for one in ids[:count]:
            self.gone[one] = self.rows.pop(one)
        for one, vector in zip(ids[count:], vectors_of(count, self.rng), strict=True):
            if self.rng.random() < 0.3:
                self.rows[one] = vector
        self.rows |= self.fresh(count)

    @property
    def all(self):
        """Ids and vectors, in order."""
        ids = np.array(sorted(self.rows))
        return ids, np.stack([self.rows[one] for one in ids.tolist()])

    def wanted(self, step=700):
        """In blocks that are not in order."""
        ids, vectors = self.all
        order = self.rng.permutation(len(ids))
        parts = [order[start : start + step] for start in range(0, len(ids), step)]
        return Sought(ids, ((ids[part], vectors[part]) for part in parts))


def update(before, to, lake, questions=QUESTIONS, goal=GOAL):
    """Update an index to the rows of a lake."""
    return updated(before, to, lake.wanted(), questions, goal, about(len(lake.rows), to.name))


def recall(index, ids, vectors):
    """Mean recall@10 of the queries."""
    _, wanted = exact_search(ids, vectors, ASKED, 10)
    _, found = index.search(ASKED, 10)
    return np.mean(
        [len({*a} & {*b}) / 10 for a, b in zip(wanted.tolist(), found.tolist(), strict=True)]
    )


def assert_sound(folder, lake):
    """It answers with the rows of the lake, each once, with their own vectors."""
    index, (ids, vectors) = Index.open(folder), lake.all
    scores, found = index.search(ASKED, 40)

    assert np.array_equal(index.held(), ids)
    assert np.array_equal(index.vectors_of(ids), vectors)
    assert np.isin(found, ids).all()
    assert all(len(set(row)) == 40 for row in found.tolist())
    expected = np.einsum("qd,qkd->qk", ASKED, vectors[np.searchsorted(ids, found)])
    assert scores == pytest.approx(expected, abs=1e-5)
    return recall(index, ids, vectors)


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


def test_big_files_are_shared_with_the_last_build(tmp_path):
    """Codes and vectors are the same files; only what came and what went is written."""
    lake = Lake(5)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    card = update(folder, tmp_path / "1", lake)

    assert card.files == ("index.faiss", "vectors.faiss", "delta.faiss", "dead.npy", "truth.npz")
    for name in ("index.faiss", "vectors.faiss"):
        assert (tmp_path / "1" / name).samefile(folder / name)


def test_where_links_cannot_be_made_files_are_copied(tmp_path, monkeypatch):
    """On a file system without hard links the update is the same, with files of its own."""

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(fold.os, "link", refuse)
    lake = Lake(5)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    update(folder, tmp_path / "1", lake)

    assert not (tmp_path / "1" / "vectors.faiss").samefile(folder / "vectors.faiss")
    assert_sound(tmp_path / "1", lake)


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


def test_a_new_row_without_a_vector_is_named(tmp_path):
    """Nothing is written when a row is wanted that neither was there nor comes."""
    lake = Lake(6)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    ids = np.append(lake.all[0], 2**63 - 1)
    with pytest.raises(ValueError, match=f"new id {2**63 - 1}"):
        updated(folder, tmp_path / "1", Sought(ids, []), None, GOAL, about(len(ids), "1"))

    assert not (tmp_path / "1" / "index.json").exists()


@pytest.mark.parametrize(
    ("name", "spoil", "goal"),
    [
        ("pq-half", lambda lake: [lake.rows.pop(one) for one in sorted(lake.rows)[:600]], GOAL),
        ("pq-half", lambda lake: lake.rows.update(lake.fresh(1300)), GOAL),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9999, cheap=0, threads=1)),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9, memory=1000, threads=1)),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9, latency=1e-9, threads=1)),
        ("flat", lambda lake: lake.change(0.01), Goal(recall=0.9, threads=1)),
    ],
    ids=["dead", "grown", "recall", "memory", "latency", "small and exact"],
)
def test_what_is_no_longer_as_good_is_built_afresh(name, spoil, goal, tmp_path):
    """No update over a fifth of dead rows, or below what is wanted of it; nothing is left over."""
    lake = Lake(8)
    folder = built(tmp_path / "0", name, *lake.all)
    spoil(lake)

    assert update(folder, tmp_path / "1", lake, goal=goal) is None
    assert not (tmp_path / "1").exists() or not [*(tmp_path / "1").iterdir()]


def test_lists_that_became_uneven_are_built_afresh(tmp_path, monkeypatch):
    """Rows that all come to a few lists make an index that reads more than it was tuned for."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    folder = built(tmp_path / "0", "ivf-sq8", *lake.all)
    near = lake.fresh(1000)
    one = next(iter(lake.rows.values()))
    for key, noise in zip(near, lake.rng.standard_normal((1000, DIM)), strict=True):
        vector = one + 0.05 * noise
        near[key] = (vector / np.linalg.norm(vector)).astype(np.float32)
    lake.rows |= near

    assert update(folder, tmp_path / "1", lake) is None


def test_changes_that_a_graph_cannot_take_are_built_afresh(tmp_path, monkeypatch):
    """HNSW removes nothing: rows with another vector stay beside it, a twentieth at most."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    folder = built(tmp_path / "0", "hnsw-sq8", *lake.all)
    changed = sorted(lake.rows)[:150]
    lake.rows |= dict(zip(changed, vectors_of(150, lake.rng), strict=True))

    assert update(folder, tmp_path / "1", lake) is None


def test_recall_is_held_against_the_first_build(tmp_path):
    """What was reached when it was built afresh is kept, so that small losses do not add up."""
    lake = Lake(9)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    first = read_card(folder / "index.json")
    for number in range(1, 3):
        lake.change(0.01)
        card = update(tmp_path / str(number - 1), tmp_path / str(number), lake)

        assert card.fresh.recall == first.reached.recall
        assert card.fresh.rows == first.rows
        assert card.reached.queries == first.reached.queries


def test_a_finished_update_is_kept(tmp_path):
    """The same update again returns its card and changes no file."""
    lake = Lake(9)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    card = update(folder, tmp_path / "1", lake)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "1").iterdir()}

    assert update(folder, tmp_path / "1", lake) == card
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "1").iterdir()} == before


def spoiled(path, place):
    """Flip a bit of a file, at a distance from its end where it is below 0."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x80
    path.write_bytes(bytes(data))


def sums_of(folder):
    """The checksums of the files of a build."""
    return {path.name: sha256(path) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "place"),
    [("index.faiss", -9 * ROWS), ("vectors.faiss", 85), ("delta.faiss", 85), ("dead.npy", -8)],
)
def test_damage_is_not_folded_into_files_that_pass_as_sound(name, place, tmp_path, monkeypatch):
    """What is copied has to be what was written: a flipped bit is refused, and its file named."""
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.02)
    assert update(tmp_path / "0", tmp_path / "1", lake).added
    monkeypatch.setattr(fold, "FEW", 10)
    lake.change(0.06)
    sums = sums_of(tmp_path / "1")
    spoiled(tmp_path / "1" / name, place)
    rows = len(lake.rows)
    wanted = replace(lake.wanted(), sums=sums)

    with pytest.raises(CorruptLakeError) as caught:
        updated(tmp_path / "1", tmp_path / "2", wanted, QUESTIONS, GOAL, about(rows, "2"))
    assert caught.value.path == tmp_path / "1" / name


@pytest.mark.parametrize("name", ["index.json", "delta.faiss", "dead.npy", "truth.npz"])
def test_small_files_of_before_have_to_be_sound(name, tmp_path):
    """Rows, tombstones, answers and settings go over into the new files: they are compared."""
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    update(tmp_path / "0", tmp_path / "1", lake)
    sums = {path: sum_ if path != name else "" for path, sum_ in sums_of(tmp_path / "1").items()}
    wanted = replace(Sought(lake.all[0], []), sums=sums)

    with pytest.raises(CorruptLakeError, match="another checksum") as caught:
        updated(
            tmp_path / "1", tmp_path / "2", wanted, QUESTIONS, GOAL, about(len(lake.rows), "2")
        )
    assert caught.value.path == tmp_path / "1" / name


@pytest.mark.parametrize("links", [True, False])
def test_damage_of_a_large_file_is_linked_and_never_copied(links, tmp_path, monkeypatch):
    """A link keeps the checksum of before; where there are none, the file has to have it."""

    def refuse(*_):
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(fold.os, "link", refuse)
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    sums = sums_of(tmp_path / "0")
    spoiled(tmp_path / "0" / "index.faiss", -ROWS * 9)
    lake.change(0.01)
    wanted = replace(lake.wanted(), sums=sums)
    call = tmp_path / "0", tmp_path / "1", wanted, QUESTIONS, GOAL, about(len(lake.rows), "1")
    if links:
        assert updated(*call) is not None
        return
    with pytest.raises(CorruptLakeError) as caught:
        updated(*call)
    assert caught.value.path == tmp_path / "0" / "index.faiss"


def test_what_was_folded_in_vain_leaves_no_file(tmp_path, monkeypatch):
    """Where folded codes miss the goal, the vectors that were written for them go."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.06)
    goal = replace(GOAL, recall=0.9999)

    assert update(tmp_path / "0", tmp_path / "1", lake, goal=goal) is None
    assert [*(tmp_path / "1").iterdir()] == []


def test_an_exact_index_of_which_no_latency_is_known_is_built_afresh(tmp_path):
    """One that an erasure left for want of a kind that is fast enough is not updated."""
    lake = Lake(8)
    folder = built(tmp_path / "0", "flat", *lake.all)
    card = read_card(folder / "index.json").model_copy(update={"reached": None})
    (folder / "index.json").write_text(card.model_dump_json())
    lake.change(0.01)

    assert update(folder, tmp_path / "1", lake) is not None
    assert update(folder, tmp_path / "2", lake, goal=replace(GOAL, latency=1e3)) is None


def test_a_card_of_a_kind_that_its_rows_cannot_have_is_built_afresh(tmp_path):
    """As one whose number of rows was damaged: it is no error of the run."""
    lake = Lake(8)
    for one in sorted(lake.rows)[800:]:
        lake.rows.pop(one)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    card = read_card(folder / "index.json").model_copy(update={"fresh": Fresh(rows=600)})
    (folder / "index.json").write_text(card.model_dump_json())

    assert update(folder, tmp_path / "1", lake) is None
