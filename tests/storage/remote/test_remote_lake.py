"""A lake in an object store: the same snapshots as in a folder."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from storage import models
from storage.cells import PartRecord, finished_contents, part_path, write_cells
from storage.diff import diff
from storage.errors import CorruptLakeError, ModelExistsError, NoLakeError, PlaceError
from storage.layout import Layout
from storage.maintenance import garbage
from storage.manifest import entry, read_manifest
from storage.places.atomic import replacing, write_bytes
from storage.places.place import listing, place_of, remove, store_of
from storage.publication import next_number, roll_back
from storage.published import current, manifest_of, published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests.factories import cells, manifest, small_lake

KEYS = ("cat", "狗")


def test_what_a_client_cannot_read_is_no_damage(bucket, monkeypatch):
    """A server's address that is no URL says nothing of what CURRENT and a manifest hold."""
    small_lake(bucket.root, KEYS)
    store = store_of(bucket.root)[0]

    def failing(*_, **__):
        raise ValueError("Invalid endpoint: no-url")

    monkeypatch.setattr(store, "cat_file", failing)
    with pytest.raises(ValueError, match="Invalid endpoint"):
        current(bucket)
    with pytest.raises(ValueError, match="Invalid endpoint"):
        read_manifest(bucket.snapshot(1) / "manifest.json")


def test_a_bucket_that_is_not_there_is_told(s3):
    """That is another thing than a bucket without a lake."""
    with pytest.raises(PlaceError, match="there is no bucket"):
        manifest_of(Layout(place_of("s3://no-such-bucket-here/lake")))
    with pytest.raises(NoLakeError):
        manifest_of(Layout(place_of(f"{s3.bucket()}/lake")))


def test_a_snapshot_in_a_store_is_read_as_one_in_a_folder(lake, tmp_path):
    """The same candidate gives the same rows, vectors and hits wherever the lake lies."""
    remote, local = small_lake(lake.root, KEYS), small_lake(tmp_path / "lake", KEYS)

    assert remote.manifest.files == local.manifest.files
    assert remote.rows("files").equals(local.rows("files"))
    np.testing.assert_array_equal(remote.cells(Modality.IMAGE)[1], local.cells(Modality.IMAGE)[1])
    (_, ids, vectors), index = remote.vectors(Modality.TEXT), remote.index("text")
    assert index is not None
    assert index.search(vectors, 1)[1][:, 0].tolist() == ids.tolist()
    assert verify(lake, remote.manifest).findings == ()


def test_all_of_a_snapshot_can_be_verified_and_compared(lake):
    """Verification reads every object and finds nothing; a diff names what came."""
    before = small_lake(lake.root, KEYS[:1])
    after = small_lake(lake.root, KEYS)

    found = verify(lake, after.manifest)

    assert found.findings == ()
    assert found.files == len(after.manifest.files)
    assert diff(before, after).items.added == ("media/狗",)
    assert (current(lake), published(lake)) == (2, [1, 2])


def test_a_reader_holds_its_snapshot_while_another_is_published(lake):
    """No object that a manifest names is ever changed, and rolling back moves one pointer."""
    first = small_lake(lake.root, KEYS[:1])
    before = first.rows("items")

    small_lake(lake.root, KEYS)

    assert first.rows("items").equals(before)
    assert Snapshot.open(lake).manifest.number == 2
    roll_back(lake, 1)
    assert Snapshot.open(lake).manifest == first.manifest
    assert next_number(lake) == 3


def test_the_pointer_can_be_read_while_it_moves(lake):
    """A reader gets the snapshot of before or of after, and no error in between."""
    small_lake(lake.root, KEYS[:1])
    ended = threading.Event()

    def moves():
        while not ended.is_set():
            write_bytes(lake.current, b"1\n")

    thread = threading.Thread(target=moves)
    thread.start()
    try:
        assert {current(lake) for _ in range(30)} == {1}
    finally:
        ended.set()
        thread.join()


def test_what_is_damaged_is_named_by_its_url(lake):
    """An object that is missing, or has other bytes, is named as the person wrote the lake."""
    snapshot = small_lake(lake.root, KEYS)
    parts = [path for path in snapshot.manifest.paths("items")]
    other = bytearray((lake.root / parts[0]).read_bytes())
    other[60] ^= 1
    write_bytes(lake.root / parts[0], bytes(other))

    (finding, *_) = verify(lake, snapshot.manifest).findings
    assert (finding.path, finding.why) == (parts[0], "has another checksum")
    remove([lake.root / parts[0]])
    with pytest.raises(CorruptLakeError) as raised:
        Snapshot.open(lake)
    assert str(raised.value).startswith(f"{lake.root}/{parts[0]}: is missing")
    assert "://" in str(raised.value)
    write_bytes(lake.root / parts[0], bytes(other[:-1]))
    with pytest.raises(CorruptLakeError, match="bytes, not"):
        Snapshot.open(lake)


def test_there_is_no_lake_where_nothing_was_put(lake):
    """An empty prefix has no snapshot, and nothing is written by looking."""
    with pytest.raises(NoLakeError, match=str(lake.root)):
        Snapshot.open(lake)

    assert listing(lake.root) == {}


def test_cells_of_a_store_are_found_finished(lake):
    """A part is written once; its footer tells what needs no more work."""
    folder = lake.embeddings(Modality.IMAGE, "hash", "f1")
    path = part_path(folder, "shard")

    first = write_cells(path, cells(["a", "b"]), PartRecord(("a", "b", "c")))
    assert write_cells(path, cells(["a", "b"]), PartRecord(("a", "b", "c"))) == first
    second = write_cells(path, cells(["a"]), PartRecord(("a",)))

    assert [first.name, second.name] == ["part-shard.parquet", "part-shard+.parquet"]
    assert finished_contents(folder, ()) == {"a", "b", "c"}


def test_a_long_footer_is_fetched_whole(lake):
    """A record of more contents than fit in what is fetched first is read all the same."""
    folder = lake.embeddings(Modality.IMAGE, "hash", "f1")
    done = tuple(f"{number:032x}" for number in range(12_000))

    write_cells(part_path(folder, "shard"), cells(["a"]), PartRecord((*done, "a")))

    assert finished_contents(folder, ()) == {*done, "a"}


def test_a_version_of_a_model_is_final(lake):
    """The second writer of a version gets an error, also where the first put only one file."""
    folder = models.store_model(lake, "projection", "p1", {"a.json": b"1", "b.bin": b"2"})
    write_bytes(lake.model("projection", "p10") / "a.json", b"half of another run's")

    told = manifest(files=[entry(lake.root, path, {}) for path in models.files_of(folder)])
    assert models.load_model(lake, told, "projection", "p1") == {"a.json": b"1", "b.bin": b"2"}
    assert models.versions(lake, "projection") == ["p1", "p10"]
    for version in ("p1", "p10"):
        with pytest.raises(ModelExistsError):
            models.store_model(lake, "projection", version, {"a.json": b"3"})
    with pytest.raises(CorruptLakeError, match="is missing"):
        models.load_model(lake, told, "projection", "p2")


def test_an_index_that_is_opened_twice_is_fetched_once(bucket, s3):
    """The second time only its size and tag are asked for."""
    snapshot = small_lake(bucket.root, KEYS)

    with s3.counting() as asked:
        for _ in range(2):
            assert snapshot.index("image") is not None

    fetched = [line for line in asked if line.startswith("GET") and line.endswith("index.faiss")]
    assert len(fetched) == 1


def test_opening_a_snapshot_lists_folders_and_asks_for_no_file(bucket, s3):
    """However many files a snapshot names, opening it is a few requests."""
    small_lake(bucket.root, [f"key {number}" for number in range(5)])

    with s3.counting() as asked:
        snapshot = Snapshot.open(bucket)

    tops = {file.path.partition("/")[0] for file in snapshot.manifest.files}
    assert len(snapshot.manifest.files) > 20
    assert len(asked) <= len(tops) + 6
    assert not [line for line in asked if ".parquet" in line]


def test_what_no_snapshot_needs_is_removed(lake):
    """Old snapshots and orphans go by one listing; what stays is whole."""
    small_lake(lake.root, KEYS[:1])
    small_lake(lake.root, KEYS)
    write_bytes(lake.rows("items") / "part-dead.parquet", b"no rows")
    later = datetime.now(UTC) + timedelta(days=60)

    found = garbage.survey(lake, garbage.Retention(keep=1), later)
    removed = garbage.collect(lake, found)

    assert (found.kept, found.gone) == ((2,), (1,))
    assert removed.files["snapshots"] == 2
    assert "items/part-dead.parquet" in {one.path for one in found.garbage}
    assert not {one.path for one in found.garbage} & set(listing(lake.root))
    assert verify(lake, Snapshot.open(lake).manifest).findings == ()
    assert published(lake) == [2]


def test_young_work_is_not_removed(lake):
    """Ages are the store's own: a part that was put just now may belong to a run."""
    small_lake(lake.root, KEYS)
    write_bytes(lake.rows("items") / "part-young.parquet", b"no rows")

    found = garbage.survey(lake, garbage.Retention(keep=1), datetime.now(UTC))

    assert found.garbage == ()


def test_staging_lies_on_this_machine(lake, tmp_path):
    """Arrays between decoding and embedding do not go through the network."""
    assert lake.staging.is_relative_to(tmp_path / "cache")
    assert lake.staging != replace(lake, root=place_of(f"{lake.root}2")).staging


def test_an_object_that_was_half_put_is_never_seen(bucket, monkeypatch):
    """A writer that dies while it puts a large file leaves what was there before."""
    import s3fs

    path = bucket.root / "part-1.parquet"
    write_bytes(path, b"old")

    async def dies(*_, **__):
        raise ConnectionError("gone")

    monkeypatch.setattr(s3fs.S3FileSystem, "_upload_file_part_concurrent", dies)
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda *_, **__: 5 << 20)
    with pytest.raises(ConnectionError), replacing(path) as temporary:
        temporary.write_bytes(bytes(11 << 20))

    assert path.read_bytes() == b"old"
