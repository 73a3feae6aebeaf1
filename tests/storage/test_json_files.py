"""JSON files that are replaced as a whole."""

from __future__ import annotations

from uuid import uuid4

import pytest

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.places.atomic import write_bytes
from storage.places.place import place_of


@pytest.fixture(params=["local", "memory"])
def folder(request, tmp_path):
    """An empty folder in each kind of place."""
    return tmp_path if request.param == "local" else place_of(f"memory://{uuid4().hex}/lake")


def test_what_is_read_is_an_object_or_nothing(folder):
    """Only where nothing lies is there none."""
    write_bytes(folder / "card.json", '{"say": "猫"}'.encode())

    assert read_object(folder / "card.json") == {"say": "猫"}
    assert read_object(folder / "other.json") is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_damage(folder, data):
    """Whatever its bytes are, one error says which file it is."""
    write_bytes(folder / "card.json", data)

    with pytest.raises(CorruptLakeError, match=r"card\.json: is no JSON"):
        read_object(folder / "card.json")


def test_a_folder_and_a_file_in_each_others_place_are_damage(tmp_path):
    """Neither is taken for nothing."""
    (tmp_path / "card.json").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(CorruptLakeError, match="is a folder"):
        read_object(tmp_path / "card.json")
    with pytest.raises(CorruptLakeError, match="below a file"):
        read_object(tmp_path / "file" / "card.json")


def test_a_card_that_is_replaced_meanwhile_is_read_as_it_is_then(s3, monkeypatch):
    """A store that tells a tag first, and then has another object, is no error."""
    from s3fs import S3FileSystem

    path = place_of(f"{s3.bucket()}/lake") / "card.json"
    write_bytes(path, b'{"number": 1}')
    info = S3FileSystem.info

    def outdated(store, name, *rest, **options):
        told = info(store, name, *rest, **options)
        write_bytes(path, b'{"number": 2}')
        return told

    monkeypatch.setattr(S3FileSystem, "info", outdated)

    assert read_object(path) in ({"number": 1}, {"number": 2})
