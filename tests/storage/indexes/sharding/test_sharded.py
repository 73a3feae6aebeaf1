import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from storage.errors import CorruptLakeError
from storage.indexes.card import VECTORS, IndexCard
from storage.indexes.choosing.build import built
from storage.indexes.choosing.choose import choose
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.kinds import kind_named, kinds
from storage.indexes.choosing.structure import threads, train_sample, trained
from storage.indexes.choosing.vectors_file import mapped_vectors, rows_of, write_vectors
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.searching.engine import Engine
from storage.indexes.sharding import merge
from storage.indexes.sharding import sharded as module
from storage.indexes.sharding.sharded import Sharded, Span, fill_span
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from tests.factories import WHEN
from tests.storage.indexes.data import asked, clustered, ids_of

N, D, ROWS = 2000, 16, 600
IDS, (VECTORS_, QUERIES) = ids_of(N), clustered(N, D, 200)
ABOUT = IndexCard(space="words", modality="text", dim=D, rows=N, created_at=WHEN, build="b1")
MERGED = [kind.name for kind in kinds(N, D) if kind.merges]


@pytest.fixture
def folder(tmp_path):
    """A folder with the vectors of all rows."""
    write_vectors(tmp_path / VECTORS, IDS, D, rows_of(VECTORS_))
    return tmp_path


class Filler:
    """Fills spans one after the other, and knows which; it may die before one of them."""

    def __init__(self, dies_at=None):
        self.filled, self.dies_at = [], dies_at

    def __call__(self, spans):
        """Fill those that are not filled."""
        for span in spans:
            if span.path.exists():
                continue
            if len(self.filled) == self.dies_at:
                raise KeyboardInterrupt
            fill_span(span, workers=1)
            self.filled.append(span.name)


def training(name):
    """Trains a kind on all rows, with one thread, and counts how often."""

    def train():
        train.calls += 1
        with threads(1):
            kind = kind_named(name, N, D)
            return trained(kind, D, train_sample(VECTORS_, N, 0))

    train.calls = 0
    return train


@pytest.mark.parametrize("name", MERGED)
def test_shards_make_the_index_that_is_filled_at_once(folder, name):
    """Every kind that merges has the same rows and the same answers, to the byte of its file."""
    kind, filler = kind_named(name, N, D), Filler()
    with threads(1):
        one = Sharded(folder, ROWS, filler).filled(kind, training(name), IDS, VECTORS_)
        whole = Whole().filled(kind, training(name), IDS, VECTORS_)

    assert filler.filled == [f"{name}-{a}-{b}" for a, b in spans_of(N, ROWS)]
    assert np.array_equal(np.sort(merge.ids_of(one.index)), IDS)
    assert np.array_equal(*map(faiss.serialize_index, (one.index, whole.index)))
    for mine, theirs in zip(
        one.index.search(QUERIES, 20), whole.index.search(QUERIES, 20), strict=True
    ):
        assert np.array_equal(mine, theirs)


def spans_of(n, rows):
    """Where shards begin and end."""
    return [(start, min(start + rows, n)) for start in range(0, n, rows)]


@pytest.mark.parametrize(("name", "rows"), [("hnsw", ROWS), ("pq-half", N)])
def test_graphs_and_few_rows_are_filled_at_once(folder, name, rows):
    """What does not merge, and what makes one shard, needs none, and no file."""
    filler = Filler()
    one = Sharded(folder, rows, filler).filled(
        kind_named(name, N, D), training(name), IDS, VECTORS_
    )

    assert one.index.ntotal == N
    assert filler.filled == []
    assert [path.name for path in folder.iterdir()] == [VECTORS]


def test_a_fill_that_died_goes_on(folder):
    """Its training and finished shards are used; only the others are filled."""
    kind, train, first, next_ = kind_named("ivf-pq", N, D), training("ivf-pq"), Filler(2), Filler()
    with pytest.raises(KeyboardInterrupt):
        Sharded(folder, ROWS, first).filled(kind, train, IDS, VECTORS_)
    one = Sharded(folder, ROWS, next_).filled(kind, train, IDS, VECTORS_)

    assert first.filled + next_.filled == [f"ivf-pq-{a}-{b}" for a, b in spans_of(N, ROWS)]
    assert len(next_.filled) == 2
    assert train.calls == 1
    assert np.array_equal(np.sort(merge.ids_of(one.index)), IDS)


KILLED = """
import os, signal, sys
from pathlib import Path
from storage.indexes.sharding.sharded import Sharded, fill_span
from tests.storage.indexes.sharding.test_sharded import IDS, N, D, ROWS, VECTORS_, kind_named
from tests.storage.indexes.sharding.test_sharded import training

def fill_all(spans):
    for span in spans[:2]:
        fill_span(span, workers=1)
    os.kill(os.getpid(), signal.SIGKILL)

kind = kind_named("ivf-sq8", N, D)
Sharded(Path(sys.argv[1]), ROWS, fill_all).filled(kind, training("ivf-sq8"), IDS, VECTORS_)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_its_shards_to_the_next(folder):
    """By kill -9: what it finished is whole, and what comes of it is what one process fills."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    command = [sys.executable, "-c", KILLED, str(folder)]
    ended = subprocess.run(command, env=environment, check=False)
    kind, train, filler = kind_named("ivf-sq8", N, D), training("ivf-sq8"), Filler()
    with threads(1):
        one = Sharded(folder, ROWS, filler).filled(kind, train, IDS, VECTORS_)
        whole = Whole().filled(kind, training("ivf-sq8"), IDS, VECTORS_)

    assert ended.returncode == -signal.SIGKILL
    assert filler.filled == ["ivf-sq8-1200-1800", "ivf-sq8-1800-2000"]
    assert train.calls == 0
    assert np.array_equal(*map(faiss.serialize_index, (one.index, whole.index)))


def test_shards_without_their_training_are_filled_anew(folder):
    """Codes of a codebook that nobody has would be read as other vectors."""
    kind, filler = kind_named("pq-half", N, D), Filler()
    for _ in range(2):
        Sharded(folder, ROWS, filler).filled(kind, training("pq-half"), IDS, VECTORS_)
        (folder / module.SHARDS / "pq-half" / "trained.faiss").unlink()

    assert len(filler.filled) == 2 * len(spans_of(N, ROWS))


def test_a_shard_that_lacks_rows_is_named(folder):
    """Nothing is merged that would leave rows out."""
    kind = kind_named("pq-half", N, D)
    Sharded(folder, ROWS, Filler()).filled(kind, training("pq-half"), IDS, VECTORS_)
    shard = folder / module.SHARDS / "pq-half" / "rows-600-1200.faiss"
    index = read_faiss(shard)
    index.reset()
    write_faiss(shard, index)

    with pytest.raises(CorruptLakeError, match="has 0 rows of 600") as told:
        Sharded(folder, ROWS, Filler()).filled(kind, training("pq-half"), IDS, VECTORS_)
    assert told.value.path == shard


@pytest.mark.parametrize("stop", [N + 1, 0])
def test_a_span_of_rows_that_are_not_there_is_refused(folder, stop):
    """A shard never has fewer rows than its name says."""
    path = folder / "pq-half" / "trained.faiss"
    write_faiss(path, training("pq-half")())
    with pytest.raises(ValueError, match=f"has {N} rows"):
        fill_span(Span(path, folder / VECTORS, 0, stop))


def test_lists_stay_on_disk_where_memory_asks_for_it(folder):
    """Where room is short, a kind that can be mapped holds 8 bytes a row; else it is as it was."""
    filling = Sharded(folder, ROWS, Filler(), room=10**9)
    kind = kind_named("ivf-sq8", N, D)
    less = kind.memory(N) - 1

    assert filling.form(kind, N, None) == filling.form(kind, N, less + 1) == kind
    assert filling.form(kind, N, less).mapped
    assert replace(filling, room=less).form(kind, N, None).mapped
    assert filling.form(kind, N, less).memory(N) == 8 * N + kind.fixed
    assert filling.form(kind_named("ivf-pq", N, D), N, 1) == kind_named("ivf-pq", N, D)
    assert replace(filling, room=None).form(kind, N, less) == kind
    assert replace(filling, rows=N).form(kind, N, less) == kind


def test_what_is_chosen_is_what_is_chosen_without_shards(folder):
    """Kind, setting and recall are the same: shards change how it is built, and nothing else."""
    goal, questions = Goal(recall=0.9, cheap=0, threads=1), asked(QUERIES)
    whole = choose(IDS, VECTORS_, questions, goal)
    one = choose(IDS, VECTORS_, questions, goal, filling=Sharded(folder, ROWS, Filler()))

    assert (one.kind, one.setting, one.reached) == (whole.kind, whole.setting, whole.reached)
    assert one.trained_on == whole.trained_on == N


def test_a_budget_that_only_lists_on_disk_keep(folder, tmp_path):
    """Such an index is built, opened and updated as any other, and its lists are mapped."""
    ids, vectors = mapped_vectors(folder / VECTORS)
    goal = Goal(recall=0.9, memory=kind_named("ivf-sq8", N, D).on_disk().memory(N), cheap=0)
    filling = Sharded(folder, ROWS, Filler(), room=10**9)
    card = built(filling, ids, vectors, asked(QUERIES), goal, ABOUT)
    index = Index.open(folder)
    exact = exact_search(IDS, VECTORS_, QUERIES, 10)[1]
    found = index.search(QUERIES, 10)[1]
    rows = ABOUT.model_copy(update={"rows": N - 5, "build": "next"})
    after = updated(folder, tmp_path / "next", Sought(IDS[5:], []), asked(QUERIES), goal, rows)

    assert (card.type, card.mapped) == ("ivf-sq8", True)
    assert {point.memory for point in card.tried if point.fits} == {goal.memory}
    assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, exact, strict=True)]) >= 0.9
    assert np.array_equal(np.sort(index.held()), IDS)
    assert (after.dead, after.mapped) == (5, True)
    assert np.array_equal(Index.open(tmp_path / "next").held(), IDS[5:])


def test_lists_on_disk_answer_as_those_in_memory(folder):
    """The same codes in the same lists."""
    kind = kind_named("ivf-sq8", N, D)
    with threads(1):
        disk = Sharded(folder, ROWS, Filler()).filled(
            kind.on_disk(), training("ivf-sq8"), IDS, VECTORS_
        )
        whole = Whole().filled(kind, training("ivf-sq8"), IDS, VECTORS_)
    ours, theirs = (Engine.over(one.index, IDS, VECTORS_) for one in (disk, whole))

    assert disk.file is not None
    for mine, other in zip(ours.search(QUERIES, 10), theirs.search(QUERIES, 10), strict=True):
        assert np.array_equal(mine, other)
