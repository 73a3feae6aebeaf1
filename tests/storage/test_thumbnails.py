import pyarrow.parquet as pq
import pytest

from storage import formats
from storage.cells import part_path, write_cells
from storage.errors import CorruptLakeError, SnapshotReissuedError
from storage.layout import Layout
from storage.publication import publish
from storage.records import PartRecord
from storage.schemas import Modality, digest
from storage.snapshot import Snapshot
from storage.tables import read_parts
from storage.thumbnails import Thumbnails, thumbnails
from tests.factories import (
    IMAGES,
    WHEN,
    candidate,
    cells,
    content,
    entries,
    made_older,
    segment,
    small_lake,
    thumbnail,
)


def image(key):
    """The picture of an item."""
    return content(IMAGES, key)


def test_a_segment_has_its_thumbnail(tmp_path):
    """Thumbnails are found by the ids that hits have; what is not known has none."""
    snapshot = small_lake(tmp_path, dead=("old",))
    wanted = [segment(image("cat")), segment(image("owl")), 5]

    found = thumbnails(snapshot, wanted)

    assert found == {segment(image(key)): thumbnail(image(key)) for key in ("cat", "owl")}
    assert thumbnails(snapshot, []) == {}


def test_a_dead_segment_has_none(tmp_path):
    """What a snapshot does not have is not shown, though its cell is still there."""
    snapshot = small_lake(tmp_path, dead=("old",))

    assert thumbnails(snapshot, [segment(image("old"))]) == {}


def test_only_pictures_that_are_asked_for_are_read(tmp_path, monkeypatch):
    """Of other row groups, and of other parts, no more than ids is read."""
    snapshot = small_lake(tmp_path)
    read, reads = [], pq.ParquetFile.read_row_group

    def reading(part, group, columns=None, **options):
        read.append(columns)
        return reads(part, group, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", reading)
    thumbnails(snapshot, [segment(image("cat"))])

    assert read.count(["thumbnail"]) == 1
    assert {tuple(c) for c in read} <= {("segment_id",), ("thumbnail",), ("segment_id", "item_id")}


def test_vectors_are_read_without_thumbnails(tmp_path, monkeypatch):
    """Who reads cells, rows or vectors of a snapshot names columns: pictures stay on disk."""
    snapshot = small_lake(tmp_path)
    read, reads = [], pq.ParquetFile.read_row_group

    def reading(part, group, columns=None, **options):
        read.extend(columns)
        return reads(part, group, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", reading)
    for modality in (Modality.IMAGE, Modality.TEXT):
        snapshot.cells(modality)
        snapshot.vectors(modality)
        snapshot.rows(f"segments/{modality}")
    snapshot.fused()

    assert "vector" in read
    assert "thumbnail" not in read


def test_an_older_part_has_none(tmp_path):
    """Parts that came before thumbnails lie beside the others."""
    layout = Layout(tmp_path)
    made = candidate(layout, ["cat", "owl"])
    folder = layout.embeddings(Modality.IMAGE, IMAGES.name, IMAGES.fingerprint)
    older = made_older(part_path(folder, digest(image("cat"))))
    others = [layout.root / f.path for f in made.files]
    made = made.model_copy(update={"files": entries(layout, [older, *others])})
    snapshot = Snapshot.of(layout, publish(layout, made))

    found = thumbnails(snapshot, [segment(image("cat")), segment(image("owl"))])

    assert found == {segment(image("owl")): thumbnail(image("owl"))}


def test_a_damaged_part_is_named(tmp_path):
    """A thumbnail that cannot be read is no missing one."""
    snapshot = small_lake(tmp_path)
    folder = snapshot.layout.embeddings(Modality.IMAGE, IMAGES.name, IMAGES.fingerprint)
    path = part_path(folder, digest(image("cat")))
    path.write_bytes(b"PAR1")

    with pytest.raises(CorruptLakeError):
        thumbnails(snapshot, [segment(image("cat"))])


def test_where_they_lie_is_looked_up_once(tmp_path, monkeypatch):
    """Who asks again and again reads no ids any more, and no table of segments."""
    snapshot = small_lake(tmp_path, dead=("old",))
    kept = Thumbnails.of(snapshot)
    read, reads = [], pq.ParquetFile.read_row_group

    def reading(part, group, columns=None, **options):
        read.append(columns)
        return reads(part, group, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", reading)
    wanted = [segment(image("owl")), segment(image("cat")), segment(image("old")), 5]
    found = [kept.pictures(wanted) for _ in range(2)]

    assert found == [thumbnails(snapshot, wanted)] * 2
    assert len(found[0]) == 2
    assert {tuple(columns) for columns in read[:2]} == {("thumbnail",)}


@pytest.mark.parametrize("known", [False, True])
def test_a_part_that_an_erasure_took_away_is_not_told_as_damage(tmp_path, known):
    """The snapshot is another one by now: whoever opened it opens it again."""
    snapshot = small_lake(tmp_path)
    kept = Thumbnails.of(snapshot)
    folder = snapshot.layout.embeddings(Modality.IMAGE, IMAGES.name, IMAGES.fingerprint)
    part_path(folder, digest(image("cat"))).unlink()
    anew = snapshot.manifest.model_copy(update={"reissued_at": WHEN})
    path = snapshot.layout.snapshot(snapshot.manifest.number) / "manifest.json"
    path.write_bytes(anew.to_json())

    with pytest.raises(SnapshotReissuedError):
        (kept if known else Thumbnails.of(snapshot)).pictures([segment(image("cat"))])


def test_row_groups_are_bounded_by_their_thumbnails(tmp_path, monkeypatch):
    """Ten pictures of 34 bytes are three groups where one holds about 150; all come back."""
    monkeypatch.setattr(formats, "PICTURE_BYTES", 150)
    names = [f"c{number}" for number in range(10)]
    path = write_cells(part_path(tmp_path, "s"), cells(names), PartRecord(tuple(names)))

    stored = pq.read_metadata(path)

    sizes = [stored.row_group(group).num_rows for group in range(stored.num_row_groups)]
    assert sizes == [4, 4, 2]
    assert read_parts([path])["thumbnail"].to_pylist() == [thumbnail(name) for name in names]


def test_a_footer_holds_no_thumbnail(tmp_path):
    """Statistics would keep the least and the greatest picture a second time."""
    path = write_cells(part_path(tmp_path, "s"), cells(["a"]), PartRecord(("a",)))

    assert path.read_bytes().count(thumbnail("a")) == 1
