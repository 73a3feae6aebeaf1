import pytest
from pydantic import ValidationError

from storage.errors import CorruptLakeError
from storage.manifest import EncoderEntry, Evaluation, FileEntry, entry, read_manifest
from storage.schemas import Modality
from storage.tables import write_part
from tests.factories import FUSION, IMAGES, PROJECTION, TEXTS, cells, manifest


def file(path, **fields):
    """An entry of a file."""
    return FileEntry(**{"path": path, "rows": 1, "bytes": 2, "sha256": "0", **fields})


def test_a_manifest_reads_back_as_it_was_written(tmp_path):
    """A manifest is JSON in UTF-8 and loses nothing on the way."""
    full = manifest(
        number=3,
        parent=2,
        sources={"照片": "file:///media"},
        files=[file("files/part-猫.parquet")],
        encoders=[IMAGES, TEXTS],
        projection=PROJECTION,
        fusion=FUSION,
        evaluation=Evaluation(status="measured", queries=4, scores={"text:zh→image": {"RR": 0.5}}),
        counts={"items": 1},
    )
    path = tmp_path / "manifest.json"
    path.write_bytes(full.to_json())

    assert read_manifest(path) == full
    assert "照片" in path.read_text("utf-8")


def test_texts_have_a_main_encoder_and_one_for_each_other_space():
    """The first one named is meant where no space is; a joined one is searched in the shared."""
    further = EncoderEntry(**{**TEXTS.model_dump(), "name": "said", "space": "heard", "dim": 4})
    one = manifest(encoders=[TEXTS, IMAGES, further], projection=PROJECTION)

    assert one.spaces(Modality.TEXT) == ("words/p1", "heard")
    assert (one.encoder(Modality.TEXT), one.encoder(Modality.TEXT, "heard")) == (TEXTS, further)
    assert one.encoder(Modality.TEXT, "words") is one.encoder(Modality.AUDIO) is None
    assert (one.dim_of(TEXTS), one.dim_of(IMAGES), one.dim_of(further)) == (6, 6, 4)
    assert one.spaces(Modality.AUDIO) == ()


def test_items_are_fused_where_texts_are_else_where_the_first_encoder_is():
    """The shared space is that of the main text encoder, wherever it is named."""
    assert manifest(encoders=[IMAGES, TEXTS]).shared == TEXTS
    assert manifest(encoders=[IMAGES]).shared == IMAGES
    assert manifest().shared is None


def test_paths_below_a_folder_are_sorted_and_exact():
    """A folder's name is no prefix of another's."""
    files = [file(p) for p in ("items/b", "items/a", "item_files/c", "segments/image/d")]
    named = manifest(files=files)

    assert named.paths("items") == named.paths("items/") == ["items/a", "items/b"]
    assert named.paths("segments") == ["segments/image/d"]
    assert named.paths("nothing") == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/file", "files/../../x", "a\\b"])
def test_a_file_outside_the_lake_is_refused(path):
    """A manifest cannot point out of its lake."""
    with pytest.raises(ValidationError):
        file(path)


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "..", ".", "", "a\\b", "a\0b"])
def test_what_names_a_folder_is_one_folder(name):
    """No name in a manifest leads to another folder: what lies there is read, or removed."""
    with pytest.raises(ValidationError):
        EncoderEntry(**{**IMAGES.model_dump(), "fingerprint": name})
    if name:
        with pytest.raises(ValidationError):
            manifest(run=name)


def test_a_file_named_twice_is_refused():
    """A manifest names each file once."""
    with pytest.raises(ValidationError):
        manifest(files=[file("a"), file("a")])


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 1}', "\udc00"])
def test_a_damaged_manifest_is_named(tmp_path, content):
    """What is no manifest raises an error that names it."""
    path = tmp_path / "manifest.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))

    with pytest.raises(CorruptLakeError) as caught:
        read_manifest(path)
    assert caught.value.path == path


def test_an_entry_has_rows_bytes_and_checksum(tmp_path):
    """A Parquet file counts its rows, another file has none; the checksum is that of the bytes."""
    part = write_part(tmp_path / "a" / "p.parquet", cells(["x", "y"]))
    plain = tmp_path / "猫.txt"
    plain.write_bytes(b"abc")

    assert entry(tmp_path, part, {}).rows == 2
    assert entry(tmp_path, plain, {}) == FileEntry(
        path="猫.txt",
        rows=0,
        bytes=3,
        sha256="ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    )


def test_a_known_file_is_not_hashed_again(tmp_path):
    """An immutable file of the same path and size keeps its entry; another size is hashed."""
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    known = {"f": file("f", bytes=3, sha256="as before")}

    assert entry(tmp_path, path, known).sha256 == "as before"
    path.write_bytes(b"abcd")
    assert entry(tmp_path, path, known).sha256 != "as before"


def test_a_projection_joins_an_encoder_of_exactly_its_fingerprint():
    """A changed encoder keeps its name and lives in another space: it is not joined."""
    joined = manifest(projection=PROJECTION)

    assert joined.joins(IMAGES)
    assert not joined.joins(IMAGES.model_copy(update={"fingerprint": "changed"}))
    assert not joined.joins(IMAGES.model_copy(update={"name": "other"}))
    assert not manifest().joins(IMAGES)
