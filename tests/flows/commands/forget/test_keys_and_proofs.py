"""Forgetting where a key is lost or the proof fails."""

import json
from contextlib import redirect_stdout
from io import StringIO

import pytest
from rich.console import Console

from flows import maintain
from flows.commands.forget.command import Manner, Wanted, run_forget, run_readmit
from flows.commands.index import show
from flows.commands.status.command import run_status
from flows.config.maintain import MaintainConfig
from storage.errors import KeyLostError
from tests.forgetting import CAT, keys_of, make_history


@pytest.mark.parametrize("call", ["forget", "readmit", "index", "maintain", "dry run"])
def test_a_lost_key_stops_every_writer(lake, folder, index, forget, call):
    """A new one would let what was forgotten in again, so nothing is made and nothing changed."""
    forget("media/trips/cat.png")
    lake.key.unlink()

    root, grey = str(lake.root), Wanted(paths=("media/grey.png",))
    calls = {
        "forget": lambda: run_forget(root, grey, Manner()),
        "dry run": lambda: run_forget(root, grey, Manner(dry_run=True)),
        "readmit": lambda: run_readmit(root, Wanted(paths=(str(folder / CAT[0]),)), Manner()),
        "index": lambda: index(folder, lake.root),  # which is unchanged
        "maintain": lambda: maintain.maintain.fn(MaintainConfig(lake=root)),
    }

    with pytest.raises(KeyLostError, match="restore it from a copy"):
        calls[call]()
    assert not lake.key.exists()
    assert keys_of(lake, 3) >= {"grey"}


def test_a_private_lake_without_its_key_forgets_nothing(tmp_path, folder, index):
    """No name could be looked up: it asks for the key, not for another name."""
    lake = make_history(folder, tmp_path / "hidden", index, private=True)
    lake.key.unlink()

    with pytest.raises(KeyLostError, match="KEY: is missing"):
        run_forget(str(lake.root), Wanted(paths=(str(folder / CAT[0]),)), Manner())


def test_a_failed_proof_is_made_again_until_it_is_clean(lake, forget):
    """By the same command, though the lake has no such file any more, and without a name."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    assert forget("media/trips/cat.png")[0] == 8

    code, out, err = forget("media/trips/cat.png")
    assert code == 8
    assert "something of it is left" in out
    assert "notes.txt (path)" in err

    (lake.root / "notes.txt").unlink()
    code, out, _ = forget("--json")
    told = json.loads(out)
    assert (code, told["status"], told["proof"]["left"]) == (0, "ended", {})
    assert (told["reissued"], [m["model"] for m in told["models"]]) == (
        [1, 2, 3],
        ["projection/p1"],
    )
    assert forget()[0] == 2


def test_a_failed_proof_is_not_swallowed_by_what_comes_next(lake, forget):
    """Both are told, and what is left of either fails the command."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    forget("media/trips/cat.png")

    code, out, err = forget("media/grey.png", "--json")

    told = json.loads(out)
    assert (code, told["status"]) == (8, "erased")
    assert told["ended"]["proof"]["left"] == told["proof"]["left"] == {"notes.txt": ["path"]}
    assert "notes.txt (path)" in err
    assert "grey" not in keys_of(lake, 3)


@pytest.mark.parametrize("clean", [True, False])
def test_whoever_comes_next_says_what_became_of_an_erasure(lake, folder, index, forget, clean):
    """A run and maintain carry it in their results, and show it; status says that it waits."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    forget("media/trips/cat.png")
    told = status(lake)
    assert told["erasure_interrupted"]
    if clean:
        (lake.root / "notes.txt").unlink()

    result = index(folder, lake.root)
    again = maintain.maintain.fn(MaintainConfig(lake=str(lake.root), compact=False))

    assert result.status == "unchanged"
    assert result.erasure.ended is clean
    assert result.erasure.left == ({} if clean else {"notes.txt": ("path",)})
    assert result.erasure.reissued == (1, 2, 3)
    assert again.erasure == (None if clean else result.erasure)
    assert ("NOT ENDED" in shown(result)) is not clean
    assert status(lake)["erasure_interrupted"] is not clean


def status(lake):
    """`mmindex status --json`."""
    with redirect_stdout(StringIO()) as out:
        run_status(str(lake.root), as_json=True)
    return json.loads(out.getvalue())


def shown(result):
    """What a terminal shows of a run."""
    out = Console(file=StringIO(), width=200)
    show.indexed(out, result)
    return out.file.getvalue()
