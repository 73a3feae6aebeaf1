from dataclasses import replace

import faiss
import numpy as np
import pytest

from storage.errors import NothingFitsError, UnsoundVectorError
from storage.indexes.card import IndexCard, read_card
from storage.indexes.choosing.build import build_index, build_name, built, goal_name
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.vectors_file import mapped_vectors, rows_of, write_vectors
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from tests.factories import WHEN, unit_vectors
from tests.storage.indexes.data import asked, clustered, ids_of

N, D = 4000, 16
IDS, (VECTORS, QUERIES) = ids_of(N), clustered(N, D, 300)
CODED, EXACT = Goal(recall=0.9, cheap=0), Goal(recall=0.9)
ABOUT = IndexCard(space="words", modality="text", dim=D, rows=N, created_at=WHEN, build="b1")


def test_an_index_answers_with_the_rows_own_ids():
    """A stored vector finds itself under its 63-bit id."""
    ids = np.array([2**62 + 1, 5, 2**63 - 1])
    vectors = unit_vectors(3, 4)
    _, found = build_index(ids, vectors).search(vectors, 1)

    assert found[:, 0].tolist() == ids.tolist()


def test_an_id_that_comes_twice_is_refused():
    """Two rows never share an id."""
    with pytest.raises(ValueError, match="id 7 comes 2 times"):
        build_index(np.array([7, 1, 7]), unit_vectors(3, 4))


def test_ids_and_vectors_must_fit():
    """An id without a vector is an error, not a shift."""
    with pytest.raises(ValueError, match="2 ids"):
        build_index(np.array([1, 2]), unit_vectors(3, 4))


def test_a_build_is_named_by_what_goes_into_it():
    """The same rows give the same name; another id or vector another one."""
    ids, vectors = np.array([1, 2]), unit_vectors(2, 4)

    assert build_name(ids, vectors) == build_name(ids.copy(), vectors.copy())
    assert build_name(ids + 1, vectors) != build_name(ids, vectors)
    assert build_name(ids, -vectors) != build_name(ids, vectors)


def names(folder):
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_build_is_whole_and_opens(tmp_path):
    """Its folder has what the card names; opened, it searches as was measured."""
    card = built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT)
    index = Index.open(tmp_path)
    _, found = index.search(QUERIES, 10)
    exact = exact_search(IDS, VECTORS, QUERIES, 10)[1]
    shares = [len({*one} & {*other}) / 10 for one, other in zip(found, exact, strict=True)]

    assert names(tmp_path) == sorted(card.names)
    assert (card.type, card.files) == ("pq-half", ("index.faiss", "vectors.faiss", "truth.npz"))
    assert read_card(tmp_path / "index.json") == card == index.card
    assert card.setting.depth > 1
    assert np.mean(shares) == pytest.approx(card.reached.recall, abs=0.02)


def test_vectors_of_another_that_lie_there_are_not_kept(tmp_path):
    """A file of the same ids is taken only where the vectors that are given are its own."""
    write_vectors(tmp_path / "vectors.faiss", IDS, D, rows_of(-VECTORS))
    built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT)

    assert np.array_equal(Index.open(tmp_path).vectors_of(IDS[:9]), VECTORS[:9])


def test_plain_faiss_reads_what_was_built(tmp_path):
    """Its answers are row ids, rough ones of codes."""
    built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT)
    index = faiss.read_index(str(tmp_path / "index.faiss"))

    assert np.mean((index.search(VECTORS[:200], 10)[1] == IDS[:200, None]).any(axis=1)) > 0.9


def test_an_exact_build_is_one_file(tmp_path):
    """The vectors are the index: byte for byte what faiss writes for them."""
    card = built(Whole(tmp_path), IDS, VECTORS, None, EXACT, ABOUT)

    assert (card.type, card.reached, names(tmp_path)) == (
        "flat",
        None,
        ["index.faiss", "index.json"],
    )
    expected = faiss.serialize_index(build_index(IDS, VECTORS)).tobytes()
    assert (tmp_path / "index.faiss").read_bytes() == expected


@pytest.mark.parametrize("goal", [CODED, EXACT])
def test_vectors_that_are_there_are_taken_as_they_are(tmp_path, goal):
    """Streamed to the folder first, and mapped, they make the same build as from memory."""
    write_vectors(tmp_path / "streamed" / "vectors.faiss", IDS, D, rows_of(VECTORS))
    ids, vectors = mapped_vectors(tmp_path / "streamed" / "vectors.faiss")
    streamed = built(Whole(tmp_path / "streamed"), ids, vectors, asked(QUERIES), goal, ABOUT)
    plain = built(Whole(tmp_path / "plain"), IDS, VECTORS, asked(QUERIES), goal, ABOUT)

    assert (streamed.type, streamed.setting) == (plain.type, plain.setting)
    assert names(tmp_path / "streamed") == names(tmp_path / "plain")
    for name in plain.files:
        if name.endswith(".faiss"):
            one, other = (tmp_path / folder / name for folder in ("streamed", "plain"))
            assert one.read_bytes() == other.read_bytes()


def test_what_an_interrupted_build_left_is_replaced(tmp_path):
    """Without a card nothing there counts: not another kind's codes, nor another's answers."""
    for name in ("index.faiss", "vectors.faiss", "truth.npz"):
        (tmp_path / name).write_bytes(b"left over")
    (tmp_path / "vectors.faiss").unlink()
    card = built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT)

    assert Index.open(tmp_path).card == card
    assert len(Index.open(tmp_path).search(QUERIES, 10)[1]) == len(QUERIES)


def test_a_finished_build_is_kept(tmp_path):
    """Building again reads the card and writes nothing."""
    card = built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    assert built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), CODED, ABOUT) == card
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_where_nothing_fits_no_card_is_written(tmp_path):
    """The folder is no build: the goal was not met."""
    with pytest.raises(NothingFitsError):
        built(Whole(tmp_path), IDS, VECTORS, asked(QUERIES), replace(CODED, memory=100), ABOUT)

    assert "index.json" not in names(tmp_path)


def test_vectors_are_checked_before_they_go_in(tmp_path):
    """One that is not of length 1 stops the build, whatever the kind, and is named."""
    bad = VECTORS.copy()
    bad[5] = np.nan
    for goal in (CODED, EXACT):
        with pytest.raises(UnsoundVectorError, match=f"row {IDS[5]} "):
            built(Whole(tmp_path), IDS, bad, asked(QUERIES), goal, ABOUT)
    assert "index.json" not in names(tmp_path)


@pytest.mark.parametrize(
    ("ids", "vectors", "why"),
    [(IDS[::-1], VECTORS, "sorted"), (IDS[1:], VECTORS, "ids"), (IDS, VECTORS[:, 1:], "ids")],
)
def test_rows_have_to_fit_the_card(tmp_path, ids, vectors, why):
    """Ids are sorted, and there are as many vectors, of the dimension, as the card says."""
    with pytest.raises(ValueError, match=why):
        built(Whole(tmp_path), ids, vectors, None, EXACT, ABOUT)


def test_a_goal_names_its_build():
    """Other rows, queries or goals name another build; the number of threads does not."""
    name = goal_name("rows", asked(QUERIES), CODED)
    others = {
        goal_name("others", asked(QUERIES), CODED),
        goal_name("rows", None, CODED),
        goal_name("rows", asked(-QUERIES), CODED),
        *(
            goal_name("rows", asked(QUERIES), replace(CODED, **{key: value}))
            for key, value in {
                "recall": 0.8,
                "k": 5,
                "memory": 9,
                "latency": 1.0,
                "seed": 1,
            }.items()
        ),
    }

    assert len(name) == 16
    assert len(others - {name}) == 8
    assert goal_name("rows", asked(QUERIES.copy()), replace(CODED, threads=3)) == name


@pytest.mark.parametrize(
    "vectors", [VECTORS.astype(np.float64), np.repeat(VECTORS, 2, axis=1)[:, ::2]]
)
def test_vectors_of_another_form_are_refused_before_any_work(vectors, tmp_path):
    """Numbers of 64 bits, or rows with gaps: no row is looked at, and nothing is written."""
    vectors[0] = np.nan  # of a copy
    with pytest.raises(ValueError, match=r"float64|row after row"):
        built(Whole(tmp_path), IDS, vectors, None, EXACT, ABOUT)
    assert names(tmp_path) == []
