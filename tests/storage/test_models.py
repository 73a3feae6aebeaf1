import json

import pytest

from storage.errors import CorruptLakeError, ModelExistsError, UnknownModelError
from storage.layout import Layout
from storage.manifest import entry
from storage.models import (
    HASHES,
    every,
    files_of,
    load_model,
    own_files,
    store_model,
    versions,
)
from storage.places.atomic import write_bytes
from storage.schemas import is_record, record_name
from tests.factories import manifest

FILES = {"projection.safetensors": b"\x00\x01", "card.md": "# 投影\n".encode()}


def naming(layout, folder):
    """A manifest that names the files that a model's folder has now."""
    return manifest(files=[entry(layout.root, path, {}) for path in files_of(folder)])


def test_a_model_reads_back_as_it_was_stored(tmp_path):
    """Every file of a version comes back, byte for byte."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)

    assert folder == layout.model("projection", "p1")
    assert load_model(layout, naming(layout, folder), "projection", "p1") == FILES


def test_a_reader_gets_what_its_manifest_names(tmp_path):
    """Another file beside those is not read, and one that is gone is named."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)
    before = naming(layout, folder)
    write_bytes(folder / "config-00.json", b"{}")
    after = naming(layout, folder)
    (folder / "card.md").unlink()

    with pytest.raises(CorruptLakeError, match=r"card\.md: is missing"):
        load_model(layout, before, "projection", "p1")
    write_bytes(folder / "card.md", FILES["card.md"])
    assert load_model(layout, before, "projection", "p1") == FILES
    assert load_model(layout, after, "projection", "p1") == {**FILES, "config-00.json": b"{}"}


def test_a_record_is_named_by_its_content():
    """Another one has another name; that of older models is known, and no other file is one."""
    assert record_name(b"{}") != record_name(b"{ }")
    assert is_record(record_name(b"{}"))
    assert is_record("config.json")
    assert not any(map(is_record, ("card.md", "config.json.damaged", "my-config.json")))


def test_a_version_is_never_written_twice(tmp_path):
    """An existing version is refused and stays as it is."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)
    with pytest.raises(ModelExistsError):
        store_model(layout, "projection", "p1", {"card.md": b"other"})

    assert load_model(layout, naming(layout, folder), "projection", "p1") == FILES


def test_versions_are_ordered_by_number(tmp_path):
    """Version 10 comes after version 9; a model without versions has none."""
    layout = Layout(tmp_path)
    for version in ("p10", "p9", "p1"):
        store_model(layout, "projection", version, FILES)

    assert versions(layout, "projection") == ["p1", "p9", "p10"]
    assert versions(layout, "other") == []


def test_a_crash_half_way_leaves_no_version(tmp_path, monkeypatch):
    """A version whose last file cannot be written is not there, and can be stored afterwards."""
    layout = Layout(tmp_path)

    def fail(*_):
        raise OSError("no power")

    monkeypatch.setattr("os.rename", fail)
    with pytest.raises(OSError, match="no power"):
        store_model(layout, "projection", "p1", FILES)
    monkeypatch.undo()

    assert versions(layout, "projection") == []
    store_model(layout, "projection", "p1", FILES)
    assert versions(layout, "projection") == ["p1"]


def test_a_missing_model_is_named(tmp_path):
    """A version that is not there raises an error that names its folder."""
    with pytest.raises(CorruptLakeError) as caught:
        load_model(Layout(tmp_path), manifest(), "projection", "p1")
    assert caught.value.path == tmp_path / "models" / "projection" / "p1"


def test_all_versions_are_named_and_others_are_unknown(tmp_path):
    """The error of an unknown one lists those that there are."""
    layout = Layout(tmp_path)
    for name, version in (("projection", "p2"), ("projection", "p10"), ("fusion", "f1")):
        store_model(layout, name, version, FILES)

    assert every(layout) == ["fusion/f1", "projection/p2", "projection/p10"]
    with pytest.raises(UnknownModelError, match="fusion/f1, projection/p2, projection/p10"):
        own_files(layout, "projection", "p3")


def test_of_several_records_the_newest_snapshots_counts(tmp_path):
    """An erasure writes one beside the old; a damaged file that was set aside is none of them."""
    layout = Layout(tmp_path)
    records = [record_name(text) for text in (b"1", b"2")]
    folder = store_model(layout, "projection", "p1", {**FILES, records[0]: b"1"})
    older = naming(layout, folder)
    write_bytes(folder / records[1], b"2")
    write_bytes(folder / "card.md.damaged", b"")
    newer = older.model_copy(update={"files": [entry(layout.root, folder / records[1], {})]})

    def names(*newest):
        return {path.name for path in own_files(layout, "projection", "p1", newest)}

    assert names(newer, older) == {*FILES, records[1]}
    assert names(older, newer) == {*FILES, records[0]}
    assert names() == {*FILES, *records}


def test_hashes_are_no_file_of_the_model_and_name_no_record(tmp_path):
    """A record is replaced by an erasure, and has its hash in its name."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "fusion", "f1", {**FILES, record_name(b"{}"): b"{}"})

    assert HASHES not in {path.name for path in files_of(folder)}
    assert set(json.loads((folder / HASHES).read_bytes())) == set(FILES)
