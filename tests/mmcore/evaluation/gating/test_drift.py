"""How the vectors of two snapshots differ."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from mmcore.evaluation.gating import drift as module
from mmcore.evaluation.gating.drift import drift, foreign_ids
from storage import schemas
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest, Override
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import vector_column, write_part
from tests.factories import PROJECTION, candidate, entries, small_lake, unit_vectors

OVERRIDE = Override(name="Li Wei", reason="agreed", when=datetime(2026, 11, 1, tzinfo=UTC))
KEYS = tuple(f"item{number}" for number in range(24))


@pytest.fixture
def before(tmp_path):
    """A published snapshot of 24 pictures, whose vectors have 6 numbers."""
    return small_lake(tmp_path / "lake", KEYS)


def images(snapshot):
    """Ids and vectors of its pictures."""
    _, ids, vectors = snapshot.vectors(Modality.IMAGE)
    return ids, vectors


def with_vectors(snapshot, change, **fields):
    """A snapshot in which one new part holds all pictures, their vectors changed."""
    layout, (ids, vectors) = snapshot.layout, images(snapshot)
    folder = layout.space(PROJECTION.space, Modality.IMAGE)
    old = {
        file for file in snapshot.manifest.files if file.path.startswith(layout.relative(folder))
    }
    table = pa.table(
        [ids, vector_column(change(vectors.copy()))], schema=schemas.projected_schema(6)
    )
    path = write_part(folder / "changed.parquet", table)
    files = [f for f in snapshot.manifest.files if f not in old] + entries(layout, [path])
    return Snapshot.of(layout, snapshot.manifest.model_copy(update={"files": files, **fields}))


def of(found, modality="image"):
    """The row of one modality."""
    (one,) = [row for row in found if row.modality == modality]
    return one


def turned(count):
    """Replace the first vectors by others of length 1."""

    def change(vectors):
        vectors[:count] = unit_vectors(count, 6, seed=99)
        return vectors

    return change


def test_every_searched_space_has_a_row(before):
    """Also items; without a baseline only lengths are known."""
    found = drift(None, before)

    assert {(row.modality, row.space) for row in found} == {
        ("text", "words/p1"),
        ("image", "words/p1"),
        ("fused", "words/p1"),
    }
    for row in found:
        assert (row.common, row.changed, row.shift, row.overlap) == (0, None, None, None)
        assert row.norm < 1e-6


def test_equal_snapshots_have_no_drift(before):
    """Their parts are the same, and are not read again where they were judged."""
    told = before.manifest.model_copy(
        update={"evaluation": Evaluation(status="measured", verdict="pass")}
    )
    judged = replace(before, manifest=told)
    row = of(drift(judged, before))

    assert (row.common, row.changed, row.shift, row.overlap) == (24, 0.0, 0.0, 1.0)
    assert row.norm == 0.0


@pytest.mark.parametrize(
    ("told", "looked"),
    [
        (None, True),
        ({"verdict": "unmeasured"}, True),  # the gate may have been off
        ({"verdict": "failed", "override": OVERRIDE}, True),
        ({"verdict": "block"}, True),
        ({"verdict": "block", "override": OVERRIDE}, False),  # somebody saw it, and let it be
        ({"verdict": "warn"}, False),
        ({"verdict": "pass"}, False),
    ],
)
def test_lengths_that_no_gate_looked_at_are_looked_at(before, told, looked):
    """Of parts that both have: where the baseline was published with the gate off, for one."""
    longer = with_vectors(before, lambda vectors: vectors * 3)
    evaluation = None if told is None else Evaluation(status="measured", **told)
    update = {"evaluation": evaluation}
    published = Snapshot.of(before.layout, longer.manifest.model_copy(update=update))

    row = of(drift(published, longer))

    assert row.norm == pytest.approx(2.0 if looked else 0.0, abs=1e-6)


def test_vectors_that_are_written_anew_are_the_same(before):
    """Another part with equal vectors, as a compaction makes: nothing changed."""
    row = of(drift(before, with_vectors(before, lambda vectors: vectors)))

    assert (row.common, row.changed, row.overlap) == (24, 0.0, 1.0)
    assert row.norm < 1e-6


def test_other_vectors_of_the_same_encoder_are_counted(before):
    """Three of 24; neighbours and the mean move, too."""
    after = with_vectors(before, turned(3))
    row = of(drift(before, after))

    assert row.changed == pytest.approx(3 / 24)
    assert row.shift > 0.01
    assert 0.3 < row.overlap < 1
    assert row.norm < 1e-6


def test_the_neighbours_that_stay_are_counted_by_hand(before):
    """As a matrix of all products has them."""
    after = with_vectors(before, turned(6))
    near = []
    for snapshot in (before, after):
        _, vectors = images(snapshot)
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -np.inf)
        near.append(np.argsort(-scores, axis=1)[:, :10])
    shares = [len(set(a) & set(b)) / 10 for a, b in zip(*near, strict=True)]

    assert of(drift(before, after)).overlap == pytest.approx(np.mean(shares))


def test_a_sample_is_enough(before, monkeypatch):
    """Few are asked, among few: the row says how many."""
    monkeypatch.setattr(module, "MOST", 8)
    row = of(drift(before, with_vectors(before, turned(12)), sample=6))

    assert row.sample == 6
    assert 0 <= row.overlap < 1
    assert row.changed == 0.5


@pytest.mark.parametrize(
    ("change", "norm"),
    [
        (lambda vectors: vectors * np.float32(1.3), 0.3),
        (lambda vectors: vectors * np.float32(0), 1.0),
        (lambda vectors: vectors * np.float32(np.inf), np.inf),
    ],
)
def test_lengths_are_told(before, change, norm):
    """Longer, without any, or no numbers."""
    with np.errstate(invalid="ignore"):
        after = with_vectors(before, change)

    assert of(drift(before, after)).norm == pytest.approx(norm, abs=1e-6)
    assert of(drift(None, after)).norm == pytest.approx(norm, abs=1e-6)
    longer = of(drift(before, after)).changed
    assert longer == (0.0 if norm == 0.3 else 1.0)  # longer ones point where they did


def test_vectors_of_another_encoder_are_not_compared(before):
    """Nor are those of another space: there is nothing that they could be equal to."""
    others = [
        entry.model_copy(update={"fingerprint": "other"}) if entry.modality == "text" else entry
        for entry in before.manifest.encoders
    ]
    told = before.manifest.model_copy(update={"encoders": others, "projection": None})
    after = Snapshot(before.layout, told)

    assert module._comparable(before, after, "text", "words") is None
    assert module._comparable(before, after, "image", "pictures") is None
    assert module._comparable(before, before, "image", PROJECTION.space) is not None
    assert module._comparable(before, before, "fused", PROJECTION.space) is None


def test_indexes_hold_the_live_ids(before, tmp_path):
    """One of other rows than the snapshot has is counted, by name."""
    assert foreign_ids(before) == {}
    layout = Layout(before.layout.root)
    fewer: Manifest = candidate(layout, KEYS[:-2])
    stale = fewer.model_copy(
        update={
            "indexes": [
                new if new.modality != "image" else old
                for new, old in zip(fewer.indexes, before.manifest.indexes, strict=True)
            ],
            "files": list({f.path: f for f in [*fewer.files, *before.manifest.files]}.values()),
            "number": 2,
        }
    )
    files = [f for f in stale.files if f in fewer.files or "indexes" in f.path]
    stale = stale.model_copy(update={"files": files})
    found = foreign_ids(Snapshot.of(layout, stale))

    assert list(found.values()) == [2]
    assert next(iter(found)).startswith("image")
