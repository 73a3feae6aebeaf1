"""The table of benchmarks, the page of results and the scripts name each other."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.__main__ import Place, chosen, lacking, part_of_set, with_lake
from benchmarks.every import EVERY

FOLDER = Path(__file__).parents[2] / "benchmarks"
RESULTS = (FOLDER / "RESULTS.md").read_text("utf-8")
NAMED = set(re.findall(r"python -m benchmarks\.(\w+)", RESULTS))
SCRIPTS = {one.script for one in EVERY}


def test_every_script_of_the_results_is_run_by_the_target():
    """What the page names is a script, and a row of the table."""
    assert [name for name in sorted(NAMED) if not (FOLDER / f"{name}.py").is_file()] == []
    assert NAMED <= SCRIPTS


def test_every_script_of_the_target_is_on_the_page():
    """What the table runs has its figures, or the reason why there are none, on the page."""
    assert SCRIPTS <= NAMED


def test_every_script_has_a_small_run():
    """Of a script with several rows, one at least."""
    assert {one.script for one in EVERY if one.small is not None} == SCRIPTS


def test_rows_have_names_of_their_own():
    """A name is a file of results: no two rows share one."""
    names = [one.name for one in EVERY]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_a_row_gives_options_that_its_script_has(one):
    """Both sizes, and the option of the peer."""
    source = (FOLDER / f"{one.script}.py").read_text("utf-8")
    words = shlex.split(f"{one.published} {one.small or ''}") + list(one.peer or ())[1:]

    assert [w for w in words if w.startswith("--") and f'"{w}"' not in source] == []


def test_a_peer_is_named_where_its_environment_is(tmp_path):
    """Without it the script compares nothing; a small run never does."""
    one = next(one for one in EVERY if one.peer == ("clip-retrieval", "--peer"))
    python = tmp_path / "clip-retrieval" / "bin" / "python"
    without = Place(tmp_path, tmp_path, tmp_path, small=False).command(one)
    python.parent.mkdir(parents=True)
    python.touch()

    named = Place(tmp_path, tmp_path, tmp_path, small=False).command(one)

    assert "--peer" not in without
    assert named[-2:] == ["--peer", str(python)]
    assert "--peer" not in Place(tmp_path, tmp_path, tmp_path, small=True).command(one)


def test_a_small_set_keeps_all_sounds(tmp_path, monkeypatch):
    """Of six items, that with a sound and, of the others, the first and the fifth."""
    whole = tmp_path / "whole"
    pairs = [{"id": n, "files": {"image": f"media/{n}.png"}} for n in range(6)]
    pairs[2]["files"]["sound"] = "media/2.ogg"
    for path in (path for pair in pairs for path in pair["files"].values()):
        (whole / path).parent.mkdir(parents=True, exist_ok=True)
        (whole / path).write_text(path, "utf-8")
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
    (whole / "pairs.jsonl").write_text(lines, "utf-8")
    monkeypatch.setattr("benchmarks.__main__.STAMPS", whole)

    small = part_of_set(tmp_path / "small")

    kept = [json.loads(line)["id"] for line in (small / "pairs.jsonl").read_text().splitlines()]
    assert kept == [0, 2, 4]
    assert {path.name for path in (small / "media").iterdir()} == {
        "0.png",
        "2.png",
        "2.ogg",
        "4.png",
    }
    assert (small / "media" / "2.ogg").read_text() == "media/2.ogg"


def test_a_name_that_no_row_has_is_an_error():
    """A script's name chooses all its rows, and a part's that one."""
    assert {one.script for one in chosen(["corpus_run"], small=False)} == {"corpus_run"}
    assert [one.name for one in chosen(["corpus_run-pillow"], small=False)] == [
        "corpus_run-pillow"
    ]
    with pytest.raises(SystemExit, match="no benchmark is called gates"):
        chosen(["gates"], small=False)


def test_the_set_is_indexed_before_it_is_asked_for(tmp_path):
    """Once: not where a lake is, nor where the row is chosen, nor for what needs no set."""
    place = Place(tmp_path, tmp_path, None, small=True)
    search, fuzz, stamps = (chosen([name], small=True) for name in ("search", "fuzz", "stamps"))

    assert with_lake(search, place) == [*stamps, *search]
    assert with_lake(fuzz, place) == fuzz
    assert with_lake([*stamps, *search], place) == [*stamps, *search]
    (tmp_path / "lake").mkdir()
    assert with_lake(search, place) == search


def test_what_a_machine_lacks_is_told(monkeypatch):
    """A package that is not installed is named, and the row is not run."""
    one = next(one for one in EVERY if "distributed" in one.needs)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert lacking(one, small=True) == ["distributed"]
