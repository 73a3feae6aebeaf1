"""Files of an updated index: shared, copied, and never made of damage."""

from dataclasses import replace

import pytest

from storage.errors import CorruptLakeError
from storage.indexes.updating import fold
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from storage.manifest import sha256
from tests.storage.indexes.updating.changing import (
    GOAL,
    QUESTIONS,
    ROWS,
    Lake,
    about,
    assert_sound,
    built,
    update,
)


def test_big_files_are_shared_with_the_last_build(tmp_path):
    """Codes and vectors are the same files; only what came and what went is written."""
    lake = Lake(5)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    card = update(folder, tmp_path / "1", lake)

    assert card.files == ("index.faiss", "vectors.faiss", "delta.faiss", "dead.npy", "truth.npz")
    for name in ("index.faiss", "vectors.faiss"):
        assert (tmp_path / "1" / name).samefile(folder / name)


def test_where_links_cannot_be_made_files_are_copied(tmp_path, monkeypatch):
    """On a file system without hard links the update is the same, with files of its own."""

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(fold.os, "link", refuse)
    lake = Lake(5)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    update(folder, tmp_path / "1", lake)

    assert not (tmp_path / "1" / "vectors.faiss").samefile(folder / "vectors.faiss")
    assert_sound(tmp_path / "1", lake)


def spoiled(path, place):
    """Flip a bit of a file, at a distance from its end where it is below 0."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x80
    path.write_bytes(bytes(data))


def sums_of(folder):
    """The checksums of the files of a build."""
    return {path.name: sha256(path) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "place"),
    [("index.faiss", -9 * ROWS), ("vectors.faiss", 85), ("delta.faiss", 85), ("dead.npy", -8)],
)
def test_damage_is_not_folded_into_files_that_pass_as_sound(name, place, tmp_path, monkeypatch):
    """What is copied has to be what was written: a flipped bit is refused, and its file named."""
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.02)
    assert update(tmp_path / "0", tmp_path / "1", lake).added
    monkeypatch.setattr(fold, "FEW", 10)
    lake.change(0.06)
    sums = sums_of(tmp_path / "1")
    spoiled(tmp_path / "1" / name, place)
    rows = len(lake.rows)
    wanted = replace(lake.wanted(), sums=sums)

    with pytest.raises(CorruptLakeError) as caught:
        updated(tmp_path / "1", tmp_path / "2", wanted, QUESTIONS, GOAL, about(rows, "2"))
    assert caught.value.path == tmp_path / "1" / name


@pytest.mark.parametrize("name", ["index.json", "delta.faiss", "dead.npy", "truth.npz"])
def test_small_files_of_before_have_to_be_sound(name, tmp_path):
    """Rows, tombstones, answers and settings go over into the new files: they are compared."""
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.01)
    update(tmp_path / "0", tmp_path / "1", lake)
    sums = {path: sum_ if path != name else "" for path, sum_ in sums_of(tmp_path / "1").items()}
    wanted = replace(Sought(lake.all[0], []), sums=sums)

    with pytest.raises(CorruptLakeError, match="another checksum") as caught:
        updated(
            tmp_path / "1", tmp_path / "2", wanted, QUESTIONS, GOAL, about(len(lake.rows), "2")
        )
    assert caught.value.path == tmp_path / "1" / name


@pytest.mark.parametrize("links", [True, False])
def test_damage_of_a_large_file_is_linked_and_never_copied(links, tmp_path, monkeypatch):
    """A link keeps the checksum of before; where there are none, the file has to have it."""

    def refuse(*_):
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(fold.os, "link", refuse)
    lake = Lake(5)
    built(tmp_path / "0", "pq-half", *lake.all)
    sums = sums_of(tmp_path / "0")
    spoiled(tmp_path / "0" / "index.faiss", -ROWS * 9)
    lake.change(0.01)
    wanted = replace(lake.wanted(), sums=sums)
    call = tmp_path / "0", tmp_path / "1", wanted, QUESTIONS, GOAL, about(len(lake.rows), "1")
    if links:
        assert updated(*call) is not None
        return
    with pytest.raises(CorruptLakeError) as caught:
        updated(*call)
    assert caught.value.path == tmp_path / "0" / "index.faiss"


def test_what_was_folded_in_vain_leaves_no_file(tmp_path, monkeypatch):
    """Where folded codes miss the goal, the vectors that were written for them go."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    built(tmp_path / "0", "pq-half", *lake.all)
    lake.change(0.06)
    goal = replace(GOAL, recall=0.9999)

    assert update(tmp_path / "0", tmp_path / "1", lake, goal=goal) is None
    assert [*(tmp_path / "1").iterdir()] == []
