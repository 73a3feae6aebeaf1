"""`mmindex forget --readmit`: what is let in again, and what stays out."""

import shutil

import pytest

from flows import index_media
from storage.published import current
from tests.forgetting import CAT, keys_of


def test_what_is_let_in_again_is_indexed_again(lake, folder, forget, index):
    """Lifting tombstones makes the unchanged folder new: the item comes back as it was."""
    before = keys_of(lake, 3)
    forget("media/trips/cat.png")

    code, out, _ = forget("--readmit", folder / "trips")
    result = index(folder, lake.root)

    assert code == 0
    assert "lifted 4" in out
    assert (result.status, result.forgotten) == ("published", 0)
    assert keys_of(lake, 4) == before


def test_what_is_let_in_is_looked_for_though_another_was_forgotten_since(
    lake, folder, forget, index
):
    """The later erasure has written the snapshot anew, without the first one's items."""
    before = keys_of(lake, 3)
    forget("media/trips/cat.png")
    forget("--readmit", folder / "trips")
    forget("media/blue.png")

    result = index(folder, lake.root)

    assert result.status == "published"
    assert {key for key in before if "blue" in key} == before - keys_of(lake, 4)


def test_letting_in_what_goes_then_is_looked_at_once(
    lake, folder, forget, index, monkeypatch, tmp_path
):
    """Nothing comes of it, and the run after knows that by its note."""
    forget("media/trips/cat.png")
    shutil.move(folder / "trips", tmp_path / "trips")
    index(folder, lake.root)
    shutil.move(tmp_path / "trips", folder / "trips")
    assert forget("--readmit", folder / "trips")[0] == 0
    shutil.rmtree(folder / "trips")
    serves, built, assemble = current(lake), [], index_media.assemble
    monkeypatch.setattr(
        index_media, "assemble", lambda *given: built.append(given) or assemble(*given)
    )

    told = [index(folder, lake.root) for _ in range(2)]

    assert [(one.status, one.snapshot) for one in told] == [("unchanged", serves)] * 2
    assert len(built) == 1


def test_a_rehearsal_of_letting_in_lifts_nothing(lake, folder, index, forget):
    """It says how many tombstones would go."""
    forget("media/trips/cat.png")
    before = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}

    code, out, _ = forget("--readmit", folder / "trips", "--dry-run")

    assert (code, "would lift 4 tombstones" in out) == (0, True)
    assert {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("option", [("--query", "cat"), ("--content",), ("--yes",)])
def test_letting_in_takes_no_option_that_it_would_ignore(lake, folder, forget, option):
    """Each is refused by name."""
    code, _, err = forget("--readmit", folder / CAT[0], *option)

    assert code == 2
    assert option[0] in err


def test_letting_in_one_file_says_that_others_stay_out(lake, folder, forget):
    """One path took an item of four files: each has a tombstone."""
    forget("media/trips/cat.png")

    code, out, _ = forget("--readmit", folder / CAT[0])

    assert code == 0
    assert "lifted 1 tombstone:" in out
    assert "3 tombstones stay" in out
    assert "forgotten, name them" in forget("--readmit", "--item", "media/trips/cat")[2]


def test_what_stays_for_others_is_said_to_come_back_elsewhere(lake, forget):
    """A tombstone of a place keeps that place out alone: --content does more."""
    out = forget("media/trips/cat.png", "--dry-run")[1]

    assert "kept out only where the forgotten item had it" in out
    assert "--content takes it from them as well, and keeps it out" in out
