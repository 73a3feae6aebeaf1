"""`mmindex forget --readmit`: what is let in again, and what stays out."""

import pytest

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
