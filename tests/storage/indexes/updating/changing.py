"""Rows that come and go, and an index that follows them."""

import numpy as np
import pytest

from storage.indexes.card import IndexCard, Setting
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill, threads, trained
from storage.indexes.choosing.truth import SPARE, exact_answers
from storage.indexes.choosing.tuning import Asked, reached_by, recall_of
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.reading import write_faiss
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
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
