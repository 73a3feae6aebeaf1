import os
import shutil
import time

import numpy as np
import pyarrow as pa
import pytest

from storage import schemas
from storage.cells import PartRecord, part_path, write_cells
from storage.errors import (
    CandidateOutdatedError,
    CorruptLakeError,
    NoLakeError,
    SnapshotExistsError,
)
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import (
    Snapshot,
    current,
    drop_candidate,
    publish,
    published,
    roll_back,
    write_candidate,
)
from storage.tables import vectors_of, write_part
from tests.factories import (
    IMAGES,
    PROJECTION,
    TEXTS,
    candidate,
    cells,
    content,
    entries,
    fused_vectors,
    manifest,
    segment,
    small_lake,
    unit_vectors,
)

KEYS = ("cat", "狗", "owl")


def ids_of(encoder, keys=KEYS):
    """The live segments of one encoder, sorted."""
    return sorted(segment(content(encoder, key)) for key in keys)


def test_a_published_lake_opens_with_its_rows(tmp_path):
    """What was published is what is read: rows, and only the columns asked for."""
    small_lake(tmp_path / "湖")
    snapshot = Snapshot.open(Layout(tmp_path / "湖"))

    assert snapshot.manifest.number == 1
    assert snapshot.rows("items", ["key"]).to_pydict() == {"key": list(KEYS)}
    assert snapshot.rows("segments/text").schema.equals(schemas.SEGMENTS)
    assert snapshot.rows("segments", ["text"]).num_rows == 6


def test_a_table_without_files_has_its_columns(tmp_path):
    """A table that the snapshot does not have is empty, not an error."""
    snapshot = small_lake(tmp_path)

    assert snapshot.rows("quarantine").equals(schemas.QUARANTINE.empty_table())
    assert snapshot.rows("segments/audio", ["text"]).column_names == ["text"]


def test_cells_are_the_live_ones_in_the_encoders_space(tmp_path):
    """Dead cells in the same parts are not read; a cell has the vector of its content."""
    snapshot = small_lake(tmp_path, KEYS, dead=("old", "older"))
    ids, vectors = snapshot.cells(Modality.IMAGE)
    owl = content(IMAGES, "owl")

    assert ids.tolist() == ids_of(IMAGES)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors[ids == segment(owl)], vectors_of(cells([owl])))


def test_vectors_lie_in_the_space_that_is_searched(tmp_path):
    """A joined encoder's vectors are the projected ones, another's are its own cells."""
    joined = small_lake(tmp_path, KEYS, dead=("old",))
    alone = joined.manifest.model_copy(
        update={"projection": PROJECTION.model_copy(update={"encoders": {TEXTS.name: "bb22"}})}
    )
    space, ids, vectors = joined.vectors(Modality.IMAGE)
    own_space, own_ids, own = Snapshot.of(joined.layout, alone).vectors(Modality.IMAGE)

    assert (space, vectors.shape) == ("words/p1", (3, 6))
    assert (own_space, own.shape) == ("pictures", (3, 8))
    assert ids.tolist() == own_ids.tolist() == ids_of(IMAGES)


def test_a_segment_has_its_vector_for_each_item_it_serves(tmp_path):
    """Row i is the vector of segment i for item i, as the table of segments pairs them."""
    snapshot = small_lake(tmp_path)
    space, item_ids, segment_ids, vectors = snapshot.served(Modality.TEXT)
    _, ids, own = snapshot.vectors(Modality.TEXT)

    assert (space, item_ids.tolist()) == ("words/p1", snapshot.fused()[0].tolist())
    assert segment_ids.tolist() == [segment(content(TEXTS, key)) for key in KEYS]
    assert np.array_equal(vectors, np.stack([own[ids == one][0] for one in segment_ids]))


def test_a_segment_that_no_encoder_embedded_is_an_error(tmp_path):
    """A live segment without a vector is damage, never another segment's vector."""
    whole = small_lake(tmp_path)
    lost = whole.manifest.model_copy(update={"encoders": [IMAGES]})

    with pytest.raises(CorruptLakeError, match="3 of its 3"):
        Snapshot.of(whole.layout, lost).served(Modality.TEXT)


def test_a_modality_without_an_encoder_has_no_vectors(tmp_path):
    """Nothing was embedded, so there is nothing, in no space."""
    space, ids, vectors = small_lake(tmp_path).vectors(Modality.AUDIO)

    assert (space, ids.shape, vectors.shape) == ("", (0,), (0, 0))


def test_a_segment_that_two_parts_hold_counts_once(tmp_path):
    """A shard that overlaps another adds no row, and the first part by name decides."""
    layout = Layout(tmp_path)
    base = candidate(layout, KEYS)
    folder = layout.embeddings(IMAGES.modality, IMAGES.name, IMAGES.fingerprint)
    cat = content(IMAGES, "cat")
    again = write_cells(part_path(folder, "zz"), cells([cat, "new"]), PartRecord((cat, "new")))
    files = base.files + entries(layout, [again])
    ids, _ = Snapshot.of(layout, base.model_copy(update={"files": files})).cells(Modality.IMAGE)

    assert ids.tolist() == ids_of(IMAGES)


def test_a_live_segment_without_a_vector_is_an_error(tmp_path):
    """A manifest that forgot a part is found out, not searched without it."""
    whole = small_lake(tmp_path)
    lost = whole.manifest.paths("embeddings/image")[0]
    files = [file for file in whole.manifest.files if file.path != lost]
    partial = Snapshot.of(whole.layout, whole.manifest.model_copy(update={"files": files}))

    with pytest.raises(CorruptLakeError, match="1 of 3"):
        partial.cells(Modality.IMAGE)


def test_vectors_of_another_dimension_are_an_error(tmp_path):
    """An encoder of 6 numbers does not read a part of 8."""
    whole = small_lake(tmp_path)
    shrunk = [IMAGES.model_copy(update={"dim": 6})]
    wrong = Snapshot.of(whole.layout, whole.manifest.model_copy(update={"encoders": shrunk}))

    with pytest.raises(CorruptLakeError, match="6 numbers"):
        wrong.cells(Modality.IMAGE)


def test_fused_vectors_are_those_of_the_items(tmp_path):
    """Each live item has one vector and says what it has; without a fusion there are none."""
    snapshot = small_lake(tmp_path)
    ids, vectors, has = snapshot.fused()

    assert ids.tolist() == [schemas.item_id("media", key) for key in KEYS]
    assert np.array_equal(vectors, fused_vectors(KEYS))
    assert has.tolist() == [[True, True, False, False]] * 3
    without = snapshot.manifest.model_copy(update={"fusion": None})
    assert Snapshot.of(snapshot.layout, without).fused() is None


def test_a_hit_leads_to_its_row(tmp_path):
    """The id an index answers with is the id of the row whose vector was asked for."""
    snapshot = small_lake(tmp_path)
    _, ids, vectors = snapshot.vectors(Modality.TEXT)
    _, found = snapshot.index("text").search(vectors, 1)

    assert found[:, 0].tolist() == ids.tolist()
    assert snapshot.index("fused").card.rows == 3
    assert snapshot.index("audio") is None


def test_an_index_that_is_not_the_manifests_is_an_error(tmp_path):
    """Another index in the place of the named one is found out."""
    snapshot = small_lake(tmp_path)
    indexes = [index.model_copy(update={"space": "other"}) for index in snapshot.manifest.indexes]
    wrong = snapshot.manifest.model_copy(update={"indexes": indexes})

    with pytest.raises(CorruptLakeError):
        Snapshot.of(snapshot.layout, wrong).index("image")


def test_an_empty_lake_is_a_lake(tmp_path):
    """A snapshot without items publishes, opens and has empty everything."""
    snapshot = small_lake(tmp_path, ())

    assert snapshot.rows("items").num_rows == 0
    assert snapshot.vectors(Modality.IMAGE)[2].shape == (0, 6)
    assert snapshot.fused()[1].shape == (0, 6)
    bare = Snapshot.of(snapshot.layout, publish(snapshot.layout, manifest(parent=1)))
    assert bare.rows("items").num_rows == 0


def test_where_nothing_is_published_there_is_no_lake(tmp_path):
    """A missing lake and a number that never was are said to be that, not to be damage."""
    with pytest.raises(NoLakeError):
        Snapshot.open(Layout(tmp_path / "nowhere"))

    small_lake(tmp_path)
    with pytest.raises(NoLakeError) as caught:
        Snapshot.open(Layout(tmp_path), 7)
    assert caught.value.number == 7


@pytest.mark.parametrize("keep", [None, 10])
def test_a_missing_or_short_file_is_found_on_opening(tmp_path, keep):
    """Opening names the file that is gone, or does not have its bytes."""
    snapshot = small_lake(tmp_path)
    path = tmp_path / snapshot.manifest.files[0].path
    content_before = path.read_bytes()
    path.unlink()
    if keep is not None:
        path.write_bytes(content_before[:keep])

    with pytest.raises(CorruptLakeError) as caught:
        Snapshot.open(snapshot.layout)
    assert caught.value.path == path


def test_a_changed_file_is_found_by_verifying(tmp_path):
    """A byte that changed in place keeps the size, but not the checksum."""
    snapshot = small_lake(tmp_path)
    snapshot.verify()
    path = tmp_path / snapshot.manifest.files[0].path
    stored = path.read_bytes()
    path.write_bytes(stored[:100] + bytes([stored[100] ^ 1]) + stored[101:])

    with pytest.raises(CorruptLakeError) as caught:
        Snapshot.open(snapshot.layout).verify()
    assert caught.value.path == path


@pytest.mark.parametrize("text", ["", "one", "猫"])
def test_a_damaged_pointer_is_named(tmp_path, text):
    """A CURRENT that holds no number is damage, not a lake without snapshots."""
    (tmp_path / "CURRENT").write_text(text, "utf-8")

    with pytest.raises(CorruptLakeError) as caught:
        current(Layout(tmp_path))
    assert caught.value.path == tmp_path / "CURRENT"


def test_a_candidate_of_an_older_snapshot_is_refused(tmp_path):
    """Who began before another published does not overwrite what the other published."""
    layout = small_lake(tmp_path).layout
    slow, fast = candidate(layout, ("cat",)), candidate(layout, ("owl",))
    publish(layout, fast)

    with pytest.raises(CandidateOutdatedError) as caught:
        publish(layout, slow)
    assert (caught.value.parent, caught.value.current) == (1, 2)
    assert Snapshot.open(layout).rows("items", ["key"]).to_pydict() == {"key": ["owl"]}


def test_numbers_are_never_used_twice(tmp_path):
    """After a roll back the next snapshot stands above the one that was rolled back."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    assert roll_back(layout, 1).number == 1
    assert Snapshot.open(layout).rows("items").num_rows == 3
    third = publish(layout, candidate(layout, ("owl",)))

    assert (third.number, third.parent) == (3, 1)
    assert published(layout) == [1, 2, 3]
    assert Snapshot.open(layout, 2).rows("items", ["key"]).to_pydict() == {"key": ["cat"]}


def test_a_candidate_with_a_missing_file_is_not_published(tmp_path):
    """What is not whole on disk never becomes the published snapshot."""
    layout = small_lake(tmp_path).layout
    broken = candidate(layout, ("new",))
    (tmp_path / broken.paths("files")[0]).unlink()

    with pytest.raises(CorruptLakeError):
        publish(layout, broken)
    assert current(layout) == 1


def test_a_candidate_is_kept_beside_the_snapshots(tmp_path):
    """A candidate's manifest lies under its run and is not published."""
    layout = small_lake(tmp_path).layout
    path = write_candidate(layout, candidate(layout, ("cat",)))

    assert path == tmp_path / "candidates" / "run-1" / "manifest.json"
    assert current(layout) == 1


def test_dropping_a_candidate_leaves_those_of_other_runs(tmp_path):
    """One run's candidate goes, once; what another run was not allowed to publish stays."""
    layout = Layout(tmp_path)
    blocked = write_candidate(layout, manifest(run="blocked"))
    dropped = write_candidate(layout, manifest(run="done"))
    drop_candidate(layout, "done")
    drop_candidate(layout, "done")

    assert blocked.exists()
    assert not dropped.parent.exists()


def test_a_numbered_candidate_may_be_published_again(tmp_path):
    """Whichever write failed the first time, the second ends what was begun, under one number."""
    layout = small_lake(tmp_path).layout
    numbered = candidate(layout, ("cat",)).model_copy(update={"number": 7})
    for step in (1, 2, 3):
        replace, _ = failing_at(step)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.replace", replace)
            with pytest.raises(OSError, match="no power"):
                publish(layout, numbered)
        assert current(layout) == 1

    assert publish(layout, numbered) == publish(layout, numbered) == numbered
    assert published(layout) == [1, 7]
    assert current(layout) == 7


def test_a_number_that_another_snapshot_has_is_refused(tmp_path):
    """A manifest that stands under the number is never replaced."""
    layout = small_lake(tmp_path).layout
    publish(layout, candidate(layout, ("cat",)))
    roll_back(layout, 1)
    mine = candidate(layout, ("owl",)).model_copy(update={"number": 2})

    with pytest.raises(SnapshotExistsError):
        publish(layout, mine)
    assert Snapshot.open(layout, 2).rows("items", ["key"]).to_pydict() == {"key": ["cat"]}


def test_a_reader_keeps_its_snapshot_during_publication(tmp_path):
    """A snapshot that was opened before another is published still reads its own rows."""
    reader = small_lake(tmp_path)
    publish(reader.layout, candidate(reader.layout, ("new",)))

    assert reader.rows("items", ["key"]).to_pydict() == {"key": list(KEYS)}
    assert reader.index("image").card.rows == 3


def failing_at(step):
    """An os.replace that fails at its ``step``-th call, and the list of its calls."""
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == step:
            raise OSError("no power")
        real(source, target)

    return replace, calls


def test_a_crash_between_any_two_writes_leaves_the_published_snapshot_whole(tmp_path, monkeypatch):
    """Whichever write fails, snapshot 1 opens and verifies, and a rerun publishes."""
    small_lake(tmp_path / "before")
    step, crashed = 0, True
    while crashed:
        step += 1
        layout = Layout(tmp_path / f"lake-{step}")
        shutil.copytree(tmp_path / "before", layout.root)
        replace, calls = failing_at(step)
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", replace)
            try:
                publish(layout, candidate(layout, ("cat", "new")))
                crashed = False
            except OSError:
                assert current(layout) == 1
        after = Snapshot.open(layout)
        after.verify()
        assert after.rows("items").num_rows == (3 if crashed else 2)
        if crashed:
            rerun = Snapshot.of(layout, publish(layout, candidate(layout, ("cat", "new"))))
            rerun.verify()
            assert rerun.rows("items", ["key"]).to_pydict() == {"key": ["cat", "new"]}
        assert not list(layout.root.rglob("*.tmp"))

    assert step == len(calls) + 1 > 15


def test_two_fused_vectors_of_an_item_are_an_error(tmp_path):
    """An item has one fused vector; which of two would be the right one cannot be told."""
    snapshot = small_lake(tmp_path)
    layout, before = snapshot.layout, snapshot.manifest
    first = before.paths("fused")[0]
    copy = layout.root / first.replace("part-", "part-0")
    shutil.copy(layout.root / first, copy)
    twice = before.model_copy(update={"files": before.files + entries(layout, [copy])})

    with pytest.raises(CorruptLakeError, match="two fused"):
        Snapshot.of(layout, twice).fused()


def test_dead_rows_stay_out_of_memory(tmp_path):
    """Of a part with many dead rows only the live ones are kept: the result owns just those."""
    layout = Layout(tmp_path)
    base = candidate(layout, ("cat",))
    folder = layout.embeddings(IMAGES.modality, IMAGES.name, IMAGES.fingerprint)
    dead = cells(["dead"]).schema.empty_table()
    rows = 20_000
    columns = {name: pa.nulls(rows, dead.schema.field(name).type) for name in dead.column_names}
    columns["segment_id"] = pa.array(np.arange(rows))
    columns["vector"] = pa.FixedSizeListArray.from_arrays(
        pa.array(unit_vectors(rows, 8).ravel()), type=schemas.vector_type(8)
    )
    loose = pa.schema([field.with_nullable(True) for field in dead.schema])
    part = write_part(folder / "part-zz.parquet", pa.table(columns, schema=loose))
    snapshot = Snapshot.of(
        layout, base.model_copy(update={"files": base.files + entries(layout, [part])})
    )
    before = pa.total_allocated_bytes()
    ids, vectors = snapshot.cells(Modality.IMAGE)

    assert (len(ids), vectors.nbytes) == (1, 32)
    assert vectors.base is None
    deadline = time.monotonic() + 10  # Arrow's threads let go of a buffer a moment later
    while pa.total_allocated_bytes() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pa.total_allocated_bytes() <= before
