"""Damaged lakes: every command names the file and the way out, and the next run mends it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from mmcore.encoders import presets
from mmcore.registry import Registry
from storage.layout import Layout
from storage.published import current, manifest_of
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes
from tests.flows.bad_lakes.commands import COMMANDS

WAYS_OUT = ("`mmindex index", "`mmindex snapshots ", "update mmindex", "mmindex that wrote it")


@pytest.fixture
def bad(made):
    """A copy of them to damage."""
    folder, whole = made
    lake = whole.with_name("湖")
    shutil.copytree(whole, lake)
    yield folder, lake
    shutil.rmtree(lake)


def part(lake: Path, folder: str) -> Path:
    """A file of the second snapshot alone, below one of the lake's folders."""
    first, second = ({f.path for f in manifest_of(Layout(lake), n).files} for n in (1, 2))
    return lake / min(path for path in second - first if path.startswith(folder))


def cut(lake: Path, folder: str) -> Path:
    """Take the end of a file away."""
    path = part(lake, folder)
    os.truncate(path, path.stat().st_size - 9)
    return path


def remove(lake: Path, folder: str) -> Path:
    """Remove a file."""
    path = part(lake, folder)
    path.unlink()
    return path


def edit(lake: Path, change) -> Path:
    """Edit the manifest that serves by hand."""
    path = lake / "snapshots" / "2" / "manifest.json"
    stored = json.loads(path.read_bytes())
    change(stored)
    path.write_text(json.dumps(stored), "utf-8")
    return path


def write(path: Path, data: bytes) -> Path:
    """Write other bytes."""
    path.write_bytes(data)
    return path


def as_folder(path: Path) -> Path:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()
    return path


def pointer(lake: Path, text: str) -> Path:
    """Let ``CURRENT`` name a snapshot."""
    write(lake / "CURRENT", text.encode())
    return lake / "snapshots" / text / "manifest.json"


FILES = {
    **{
        f"a cut part of {folder}": lambda lake, folder=folder: cut(lake, folder)
        for folder in ("files", "segments/text", "embeddings/text", "spaces", "fused")
    },
    "no part of items": lambda lake: remove(lake, "items"),
    "no part of embeddings": lambda lake: remove(lake, "embeddings/text"),
    "a cut index": lambda lake: cut(lake, "indexes"),
    "no index": lambda lake: remove(lake, "indexes"),
    "another file as index": lambda lake: write(part(lake, "indexes"), b"no index"),
    "another file as part": lambda lake: write(part(lake, "embeddings/text"), b"PAR1"),
}
POINTERS = {
    "no JSON": lambda lake: write(lake / "snapshots" / "2" / "manifest.json", b'{"files": ['),
    "wrong types": lambda lake: edit(lake, lambda stored: stored.update(files=3)),
    "wrong rows": lambda lake: edit(lake, lambda stored: stored["files"][0].update(rows=-1)),
    "an unknown field": lambda lake: edit(lake, lambda stored: stored.update(more=1)),
    "a lost field": lambda lake: edit(lake, lambda stored: stored.pop("run")),
    "a file elsewhere": lambda lake: edit(
        lake, lambda stored: stored["files"][0].update(path="../media/red.png")
    ),
    "an index elsewhere": lambda lake: edit(
        lake, lambda stored: stored["indexes"][0].update(path="/tmp")
    ),
    "another number": lambda lake: edit(lake, lambda stored: stored.update(number=1)),
    "a newer schema": lambda lake: edit(lake, lambda stored: stored.update(schema_version=99)),
    "an older schema": lambda lake: edit(lake, lambda stored: stored.update(schema_version=0)),
    "a garbled CURRENT": lambda lake: write(lake / "CURRENT", b"\xff\x00"),
    "a lost CURRENT": lambda lake: (lake / "CURRENT").unlink() or lake / "CURRENT",
    "a CURRENT of a negative number": lambda lake: write(lake / "CURRENT", b"-2"),
    "a CURRENT with an underscore": lambda lake: write(lake / "CURRENT", b"1_0"),
    "a folder as manifest": lambda lake: as_folder(lake / "snapshots" / "2" / "manifest.json"),
    "a CURRENT of nothing": lambda lake: pointer(lake, "9"),
}


def mentions(answer, path: Path) -> bool:
    """Whether an answer names a file and a way out."""
    said = answer.out + answer.err
    return path.name in said and any(way in said for way in WAYS_OUT)


@pytest.mark.parametrize("name", [*FILES, *POINTERS])
def test_every_command_names_the_file_and_the_way_out(name, bad, run):
    """What needs the damaged file ends with 7 and one line; list and rollback work on."""
    _, lake = bad
    path = (FILES | POINTERS)[name](lake)
    before = {p: p.read_bytes() for p in lake.rglob("*") if p.is_file()}

    for command in ("search", "status", "files", "verify", "maintain"):
        answer = run(*COMMANDS[command], "--lake", lake)
        assert (command, answer.code, mentions(answer, path)) == (command, 7, True)
        assert answer.err.count("\n") == 1

    assert run(*COMMANDS["list"], "--lake", lake).code == 0
    assert before == {p: p.read_bytes() for p in before}
    assert run(*COMMANDS["rollback"], "--lake", lake).code == 0
    assert run(*COMMANDS["search"], "--lake", lake).code == 0


@pytest.mark.parametrize("name", FILES)
def test_the_next_run_sets_a_damaged_file_aside_and_makes_it_again(name, bad, index, made):
    """It says which, keeps the damaged one beside it, and publishes what was published before."""
    folder, lake = bad
    path = FILES[name](lake)
    damaged = path.read_bytes() if path.exists() else None

    result = index(folder, lake)

    snapshot = Snapshot.open(Layout(lake))
    assert (result.status, snapshot.manifest.number) == ("published", 3)
    assert verify(Layout(lake), snapshot.manifest).findings == ()
    assert path.relative_to(lake).as_posix() in result.set_aside or damaged is None
    if damaged is not None:
        assert path.with_name(f"{path.name}.damaged").read_bytes() == damaged
    expected = crashes.contents_of(Snapshot.open(Layout(made[1])))
    assert crashes.differences(crashes.contents_of(snapshot), expected) == (0, 0, 0)
    assert index(folder, lake).status == "unchanged"


@pytest.mark.parametrize("name", POINTERS)
def test_a_run_does_not_guess_what_serves(name, bad, run):
    """Where the pointer or its manifest is damaged, it stops: rolling back says what serves."""
    folder, lake = bad
    path = POINTERS[name](lake)

    stopped = run("index", folder, "--preset", "hash", "--lake", lake)
    run(*COMMANDS["rollback"], "--lake", lake)
    after = run("index", folder, "--preset", "hash", "--lake", lake)

    assert (stopped.code, mentions(stopped, path)) == (7, True)
    assert (after.code, current(Layout(lake))) == (0, 3)


def test_a_folder_in_place_of_the_pointer_is_told(bad, run):
    """It has to be moved away by hand, which every command says; then a rollback helps."""
    _, lake = bad
    path = as_folder(lake / "CURRENT")

    for command in ("search", "status", "files", "verify", "maintain", "rollback"):
        answer = run(*COMMANDS[command], "--lake", lake)
        assert (command, answer.code, "move it away" in answer.err) == (command, 7, True)
    path.rmdir()
    assert run(*COMMANDS["rollback"], "--lake", lake).code == 0


def test_a_report_that_is_gone_is_not_named(bad, run):
    """`status` names the page of the report only where there is one."""
    _, lake = bad
    assert "report.html" in run("status", "--lake", lake).out
    shutil.rmtree(lake / "reports")

    answer = run("status", "--lake", lake)
    assert (answer.code, "report.html" in answer.out) == (0, False)
    assert json.loads(run("status", "--json", "--lake", lake).out)["report"] is None


def test_a_search_without_the_encoders_says_what_the_lake_needs(bad, run, monkeypatch):
    """Its preset is one that this installation does not have."""
    _, lake = bad
    monkeypatch.setattr(presets, "presets", Registry("mmindex.of_nobody", "preset"))

    answer = run(*COMMANDS["search"], "--lake", lake)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "hash-text (text), hash-image (image)" in answer.err


def test_what_only_verify_sees_is_set_aside_when_asked(bad, run, index):
    """A changed byte: verify names it; --set-aside and the next run make the file again."""
    folder, lake = bad
    path = part(lake, "indexes")
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(data)

    seen = run("snapshots", "verify", "--lake", lake)
    assert (seen.code, mentions(seen, path), path.exists()) == (7, True, True)
    aside = run("snapshots", "verify", "--set-aside", "--lake", lake)
    assert (aside.code, path.exists(), f"{path.name}.damaged" in aside.out) == (7, False, True)
    assert index(folder, lake).status == "published"
    assert run("snapshots", "verify", "--lake", lake).code == 0


def test_a_lost_projection_is_fitted_anew(bad, index):
    """Its version is never given again: the vectors of the shared space are made anew too."""
    folder, lake = bad
    shutil.rmtree(lake / "models" / "projection" / "p1")
    (lake / "models" / "projection" / "p1").mkdir()

    index(folder, lake)

    manifest = manifest_of(Layout(lake))
    assert manifest.projection.version == "p2"
    assert verify(Layout(lake), manifest).findings == ()


def test_a_part_that_nothing_published_names_is_made_again(bad, index):
    """What a killed run left and the disk damaged does not stop the next one."""
    folder, lake = bad
    stray = part(lake, "embeddings/text").with_name("part-0000000000000000.parquet")
    stray.write_bytes(b"PAR1 no more PAR1")
    (folder / "new.txt").write_text("A new text.", "utf-8")
    try:
        result = index(folder, lake)
    finally:
        (folder / "new.txt").unlink()

    assert result.set_aside == (stray.relative_to(lake).as_posix(),)
    assert result.snapshot == 3


def test_maintain_removes_what_was_set_aside(bad, index, run):
    """After its grace a damaged file is garbage like any other that nothing names."""
    folder, lake = bad
    path = cut(lake, "embeddings/text")
    index(folder, lake)
    aside = path.with_name(f"{path.name}.damaged")
    for kept in lake.rglob("*"):
        os.utime(kept, (0, 0))

    assert run("maintain", "--lake", lake).code == 0
    assert not aside.exists()
    assert verify(Layout(lake), manifest_of(Layout(lake))).findings == ()
