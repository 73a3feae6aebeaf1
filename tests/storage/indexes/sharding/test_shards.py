from dataclasses import replace

import numpy as np
import pytest

from storage.errors import NothingFitsError, UnsoundVectorError
from storage.indexes.card import IndexCard
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill
from storage.indexes.choosing.vectors_file import mapped_vectors
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.reading import read_faiss
from storage.indexes.sharding.merge import ids_of
from storage.indexes.sharding.shards import build_shard, finish, merge, train
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from tests.factories import WHEN, unit_vectors

VECTORS = unit_vectors(2000, 16)
IDS = np.sort(np.random.default_rng(1).choice(2**62, len(VECTORS), replace=False))


@pytest.fixture
def sharded(tmp_path):
    """A trained index and three shards of a kind, the rows of the first two interleaved."""

    def made(name):
        kind = kind_named(name, len(VECTORS), 16)
        trained = train(tmp_path / "trained.faiss", kind, VECTORS, workers=1)
        parts = np.arange(0, 1200, 2), np.arange(1, 1200, 2), np.arange(1200, 2000)
        return trained, [
            build_shard(trained, tmp_path / f"shard-{number}", IDS[part], VECTORS[part], 1)
            for number, part in enumerate(parts)
        ]

    return made


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("pq-half", False),
        ("ivf-pq", False),
        ("ivf-sq8", False),
        ("ivf-sq8", True),
        ("rabitq", False),
    ],
)
def test_shards_make_the_index_that_one_build_makes(sharded, tmp_path, name, on_disk):
    """Same codes, and the exact vectors of all rows under their ids."""
    trained, shards = sharded(name)
    folder = merge(trained, shards, tmp_path / "whole", on_disk=on_disk)
    whole = fill(read_faiss(trained), IDS, VECTORS)
    index = read_faiss(folder / "index.faiss", mapped=on_disk)
    held, vectors = mapped_vectors(folder / "vectors.faiss")

    assert np.array_equal(np.sort(ids_of(index)), IDS)
    assert np.array_equal(index.search(VECTORS[:50], 5)[0], whole.search(VECTORS[:50], 5)[0])
    assert np.array_equal(held, IDS)
    assert np.array_equal(vectors, VECTORS)


def test_an_id_of_two_shards_is_named(sharded, tmp_path):
    """Two shards that share an id make no index."""
    trained, shards = sharded("pq-half")
    again = build_shard(trained, tmp_path / "again", IDS[5:6], VECTORS[5:6], 1)
    with pytest.raises(ValueError, match=f"id {IDS[5]} is in two shards"):
        merge(trained, [*shards, again], tmp_path / "whole")

    assert not (tmp_path / "whole").exists()


def test_a_shard_of_another_training_is_refused(sharded, tmp_path):
    """Codes of another codebook would be read as other vectors: the shard is named."""
    trained, shards = sharded("pq-half")
    kind = kind_named("pq-half", len(VECTORS), 16)
    other = train(tmp_path / "other.faiss", kind, unit_vectors(2000, 16, seed=9), workers=1)
    with pytest.raises(ValueError, match="shard-0 is no whole shard of"):
        merge(other, shards, tmp_path / "whole")

    assert trained.read_bytes() != other.read_bytes()


def test_a_shard_that_is_there_is_kept_and_half_of_one_is_not(sharded, tmp_path):
    """Building again changes no file of a whole shard, and makes anew what has no digest."""
    trained, (first, *_) = sharded("pq-half")
    rows = np.arange(0, 1200, 2)
    before = (first / "index.faiss").stat().st_mtime_ns
    build_shard(trained, first, IDS[rows], VECTORS[rows], 1)
    assert (first / "index.faiss").stat().st_mtime_ns == before
    (first / "training.sha256").unlink()
    (first / "index.faiss").write_bytes(b"cut off")
    build_shard(trained, first, IDS[rows], VECTORS[rows], 1)

    assert read_faiss(first / "index.faiss").ntotal == len(rows)


def test_a_shard_takes_no_unsound_vector(sharded, tmp_path):
    """A row that is not of length 1 stops its shard, and is named."""
    trained, _ = sharded("pq-half")
    with pytest.raises(UnsoundVectorError, match=f"row {IDS[3]} "):
        build_shard(trained, tmp_path / "bad", IDS[:5], VECTORS[:5] * [[1], [1], [1], [2], [1]], 1)


@pytest.mark.parametrize(("name", "on_disk"), [("ivf-pq", False), ("ivf-sq8", True)])
def test_a_merged_index_is_tuned_and_opened_as_any_other(sharded, tmp_path, name, on_disk):
    """With its card it meets the goal, answers as exact search does, and is updated."""
    trained, shards = sharded(name)
    folder = merge(trained, shards, tmp_path / "whole", on_disk=on_disk)
    questions = Questions(unit_vectors(100, 16, seed=5), np.full(100, "text zh"))
    about = IndexCard(
        space="words",
        modality="image",
        dim=16,
        rows=len(IDS),
        created_at=WHEN,
        build="whole",
        mapped=on_disk,
    )
    goal, kind = Goal(recall=0.95, threads=1), kind_named(name, len(IDS), 16)
    card = finish(folder, kind, questions, goal, about)
    index = Index.open(folder)
    _, found = index.search(questions.vectors, 10)
    _, wanted = exact_search(IDS, VECTORS, questions.vectors, 10)
    pairs = zip(found.tolist(), wanted.tolist(), strict=True)

    rows = about.model_copy(update={"rows": len(IDS) - 5, "build": "next"})
    wanted = Sought(IDS[5:], [])
    after = updated(folder, tmp_path / "next", wanted, questions, replace(goal, cheap=0), rows)

    assert card == index.card
    assert card.reached.recall >= 0.95
    assert (after.dead, after.mapped) == (5, on_disk)
    assert np.array_equal(Index.open(tmp_path / "next").held(), IDS[5:])
    assert np.mean([len({*a} & {*b}) / 10 for a, b in pairs]) >= 0.95


def test_a_merged_index_that_misses_the_goal_gets_no_card(sharded, tmp_path):
    """Where no setting is fast enough, what was measured is told and nothing says it is done."""
    trained, shards = sharded("pq-half")
    folder = merge(trained, shards, tmp_path / "whole")
    questions = Questions(unit_vectors(100, 16, seed=5), np.full(100, "text zh"))
    about = IndexCard(
        space="words", modality="image", dim=16, rows=len(IDS), created_at=WHEN, build="whole"
    )
    kind = kind_named("pq-half", len(IDS), 16)
    with pytest.raises(NothingFitsError, match="pq-half"):
        finish(folder, kind, questions, Goal(recall=0.5, latency=1e-9), about)

    assert not (folder / "index.json").exists()


def test_lists_that_hold_little_are_read(tmp_path):
    """Tables that faiss makes of the centroids may be larger than the file of an empty index."""
    vectors, kind = unit_vectors(400, 512), kind_named("ivf-pq", 5000, 512)
    path = train(tmp_path / "trained.faiss", kind, vectors, workers=1)
    shard = build_shard(path, tmp_path / "shard", IDS[:10], vectors[:10], 1)

    assert read_faiss(path).ntotal == 0
    assert read_faiss(shard / "index.faiss").ntotal == 10
