import shutil
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import schemas
from storage import snapshot as snapshots
from storage.cells import PartRecord, part_path, write_cells
from storage.errors import (
    CorruptLakeError,
    NoLakeError,
    SnapshotReissuedError,
)
from storage.layout import Layout
from storage.publication import publish
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import read_parts, vectors_of, write_part
from tests.factories import (
    IMAGES,
    PROJECTION,
    TEXTS,
    WHEN,
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


def test_segments_are_paired_with_the_items_they_serve(tmp_path):
    """A row for each item that a segment serves."""
    item_ids, segment_ids = small_lake(tmp_path).pairs(Modality.TEXT)

    assert dict(zip(segment_ids.tolist(), item_ids.tolist(), strict=True)) == {
        segment(content(TEXTS, key)): schemas.item_id("media", key) for key in KEYS
    }


def test_of_some_segments_only_their_parts_are_read(tmp_path):
    """The vectors asked for are those that all of them have; other parts may even be damaged."""
    snapshot = small_lake(tmp_path)
    _, ids, vectors = snapshot.vectors(Modality.TEXT)
    wanted = segment(content(TEXTS, "cat"))
    folder = snapshot.layout.space(PROJECTION.space, Modality.TEXT)
    for part in folder.iterdir():
        if wanted not in read_parts([part], ["segment_id"])["segment_id"].to_pylist():
            damage_vectors(part)

    _, found, some = snapshot.vectors(Modality.TEXT, np.array([wanted]))

    assert found.tolist() == [wanted]
    assert np.array_equal(some, vectors[ids == wanted])
    with pytest.raises(CorruptLakeError):
        snapshot.vectors(Modality.TEXT)


def damage_vectors(part):
    """Change a bit in the first vector of a part; its other columns stay whole."""
    column = pq.read_metadata(part).row_group(0).column(1)
    data = bytearray(part.read_bytes())
    data[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    part.write_bytes(data)


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

    made = {schemas.item_id("media", key): fused_vectors([key])[0] for key in KEYS}
    assert ids.tolist() == sorted(made)
    assert np.array_equal(vectors, np.stack([made[item] for item in sorted(made)]))
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


def reissue(snapshot, name):
    """Write a snapshot anew without the files of ``name``, as an erasure does, and remove them."""
    layout, before = snapshot.layout, snapshot.manifest
    stay = [file for file in before.files if not file.path.startswith(f"{name}/")]
    now = before.model_copy(update={"files": stay, "reissued_at": WHEN})
    (layout.snapshot(before.number) / "manifest.json").write_bytes(now.to_json())
    for path in before.paths(name):
        (layout.root / path).unlink()


def test_a_snapshot_that_is_written_anew_while_it_is_opened_opens(tmp_path, monkeypatch):
    """Its first manifest names files that are gone by the time they are looked for."""
    layout = small_lake(tmp_path).layout
    read = snapshots.manifest_of

    def just_before(*args):
        monkeypatch.setattr(snapshots, "manifest_of", read)
        manifest = read(*args)
        reissue(Snapshot(layout, manifest), "quarantine")
        reissue(Snapshot(layout, manifest), "items")
        return manifest

    monkeypatch.setattr(snapshots, "manifest_of", just_before)

    assert Snapshot.open(layout).manifest.reissued_at == WHEN


def test_a_snapshot_that_was_written_anew_since_asks_to_be_opened_again(tmp_path):
    """A file that is gone is no damage then; without an erasure it is."""
    snapshot = small_lake(tmp_path)
    reissue(snapshot, "items")
    with pytest.raises(SnapshotReissuedError, match=r"Open it again") as told:
        snapshot.rows("items")
    assert told.value.exit_code == 6

    again = Snapshot.open(snapshot.layout)
    part = snapshot.layout.root / again.manifest.paths("item_files")[0]
    part.unlink()
    with pytest.raises(CorruptLakeError, match="is missing"):
        again.rows("item_files")
