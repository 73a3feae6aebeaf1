"""Versions of models that may be published are as they were when they were stored."""

import pytest

from storage.errors import CorruptLakeError
from storage.intact_models import alike, intact_files
from storage.layout import Layout
from storage.models import HASHES, TELLING, store_model
from storage.places.atomic import write_bytes
from storage.schemas import is_record, record_name
from tests.storage.test_models import FILES, naming


@pytest.mark.parametrize("named", [True, False], ids=["named", "never-published"])
@pytest.mark.parametrize("change", ["flip", "cut", "remove"])
def test_a_file_that_is_another_by_now_is_refused(tmp_path, named, change):
    """By a manifest that names it, else by what was stored beside it; the way out is said."""
    layout, record = Layout(tmp_path), b"{}"
    files = {**FILES, record_name(record): record}
    for file in files:
        folder = store_model(layout, "projection", f"p{len(file)}", files)
        version, manifests = folder.name, [naming(layout, folder)] if named else []
        assert intact_files(layout, "projection", version, manifests) == files
        content = (folder / file).read_bytes()
        (folder / file).unlink()
        if change != "remove":
            broken = content[:-1] + (b"" if change == "cut" else bytes([content[-1] ^ 1]))
            write_bytes(folder / file, broken)
        if change == "remove" and not named and is_record(file):
            continue  # without a record it is no model: whoever reads it says so
        if file == "card.md":
            continue  # it tells of the model
        with pytest.raises(CorruptLakeError, match=r"mmindex train") as caught:
            intact_files(layout, "projection", version, manifests)
        assert caught.value.path == folder / file
        assert "from the media" not in str(caught.value)


def test_a_manifest_that_took_the_damage_for_sound_excuses_nothing(tmp_path):
    """All manifests have to agree with the file."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)
    before = naming(layout, folder)
    (folder / "projection.safetensors").unlink()
    write_bytes(folder / "projection.safetensors", b"other")

    with pytest.raises(CorruptLakeError, match="another checksum"):
        intact_files(layout, "projection", "p1", [naming(layout, folder), before])


def test_a_version_of_an_older_mmindex_is_taken_as_it_is(tmp_path):
    """It has no hashes beside it, and no manifest names it: nothing tells of damage."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", {**FILES, "config.json": b"{}"})
    (folder / HASHES).unlink()

    assert set(intact_files(layout, "projection", "p1", [])) == {*FILES, "config.json"}


@pytest.mark.parametrize("named", [True, False], ids=["named", "never-published"])
@pytest.mark.parametrize("change", ["edit", "remove"])
@pytest.mark.parametrize("file", sorted(TELLING))
def test_what_tells_of_a_model_and_is_another_by_now_is_left_out(
    tmp_path, named, change, file, caplog
):
    """The model is sound without it; which file is said."""
    layout = Layout(tmp_path)
    files = {**FILES, "training.json": b"{}"}
    folder = store_model(layout, "projection", "p1", files)
    manifests = [naming(layout, folder)] if named else []
    (folder / file).unlink()
    if change == "edit":
        write_bytes(folder / file, b"mine")

    found = intact_files(layout, "projection", "p1", manifests)

    assert found == {name: content for name, content in files.items() if name != file}
    assert f"models/projection/p1/{file}" in caplog.text


@pytest.mark.parametrize("change", ["cut", "other", "remove"])
def test_hashes_decide_nothing_where_a_manifest_names_the_version(tmp_path, change):
    """However they are damaged: manifests say what its files are."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)
    told = naming(layout, folder)
    content = (folder / HASHES).read_bytes()
    (folder / HASHES).unlink()
    if change != "remove":
        damaged = content[:9] if change == "cut" else content.replace(b"a", b"b")
        write_bytes(folder / HASHES, damaged)

    assert intact_files(layout, "projection", "p1", [told]) == FILES


def test_without_a_manifest_hashes_have_to_be_readable(tmp_path):
    """Else nobody can say that the version is as it was stored, and it is not found as equal."""
    layout = Layout(tmp_path)
    folder = store_model(layout, "projection", "p1", FILES)
    assert list(alike(layout, "projection", FILES, [])) == [("p1", FILES)]
    content = (folder / HASHES).read_bytes()
    (folder / HASHES).unlink()
    write_bytes(folder / HASHES, content[:9])

    with pytest.raises(CorruptLakeError) as caught:
        intact_files(layout, "projection", "p1", [])

    assert caught.value.path == folder / HASHES
    assert not list(alike(layout, "projection", FILES, []))


def test_versions_with_the_same_tensors_are_alike(tmp_path):
    """The newest first; other tensors of the same length are others."""
    layout, name = Layout(tmp_path), "projection.safetensors"
    for version, tensors in (("p1", b"ab"), ("p2", b"ac"), ("p3", b"ab"), ("p4", b"abc")):
        store_model(layout, "projection", version, {name: tensors})

    found = alike(layout, "projection", {name: b"ab", "card.md": b"another"}, [])

    assert [version for version, _ in found] == ["p3", "p1"]
