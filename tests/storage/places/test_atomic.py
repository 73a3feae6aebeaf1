from pathlib import Path

import pytest

from storage.places.atomic import replacing, write_bytes


def fail(*_):
    """Stand for a machine that stops."""
    raise OSError("no power")


def test_a_file_appears_under_its_name_when_the_block_ends(tmp_path):
    """Inside the block the name is free; after it the file is there, and nothing else."""
    path = tmp_path / "深" / "er" / "file.bin"
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path):
    """A block that fails half way leaves the old file and no temporary."""
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")
    with pytest.raises(TypeError), replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines([b"ne", None])

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["os.replace", "os.fsync"])
def test_a_failed_flush_or_rename_leaves_what_was_there(tmp_path, monkeypatch, step):
    """When the system refuses a step, the old file stands and no temporary stays."""
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")
    monkeypatch.setattr(step, fail)
    with pytest.raises(OSError, match="no power"):
        write_bytes(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    """A file that was never written does not appear."""
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.bin"):
        pass

    assert list(Path(tmp_path).iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    """The error says where it lies, and not how the temporary was called."""
    path = tmp_path / "run.trec"
    path.mkdir()

    with pytest.raises(IsADirectoryError) as caught:
        write_bytes(path, b"new")

    assert caught.value.filename == str(path)
    assert ".tmp" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]
