"""Disks that are full or read-only lose nothing."""

import errno
import io
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mmcore.errors import DiskSpaceError
from storage.layout import Layout
from storage.published import manifest_of
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes
from tests.flows.bad_lakes.commands import COMMANDS


def full(monkeypatch, lake: Path, at: int) -> list[str]:
    """From the ``at``-th write below ``lake`` on there is no space left; returns the writes."""
    seen = []

    def writing(path) -> None:
        if Path(path).is_absolute() and Path(path).is_relative_to(lake):
            seen.append(str(path))
            if len(seen) >= at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    opens, makes, tables = io.open, os.mkdir, pq.write_table

    def opening(path, mode="r", *rest, **options):
        if set(mode) & set("wax+") and isinstance(path, str | os.PathLike):
            writing(path)
        return opens(path, mode, *rest, **options)

    def making(path, *rest, **options):
        writing(path)
        return makes(path, *rest, **options)

    def table(rows, path, **options):
        writing(path)
        tables(rows, path, **options)

    monkeypatch.setattr(io, "open", opening)
    monkeypatch.setattr(os, "mkdir", making)
    monkeypatch.setattr(pq, "write_table", table)
    return seen


@pytest.mark.parametrize("at", [1, 2, 3, 5, 8, 13, 21])
def test_a_disk_that_fills_up_loses_nothing(at, made, tmp_path, monkeypatch, run, index):
    """The run ends with one line; what serves is whole, and with room the next run ends well."""
    folder, lake = made[0], tmp_path / "lake"
    crashes.make_folder(tmp_path / folder.name)
    index(tmp_path / folder.name, lake)
    before = crashes.contents_of(Snapshot.open(Layout(lake)))

    with monkeypatch.context() as patch:
        full(patch, lake, at)
        stopped = run("index", folder, "--preset", "hash", "--lake", lake)

    serving = Snapshot.open(Layout(lake))
    assert (stopped.code, stopped.err.count("\n")) == (DiskSpaceError.exit_code, 1)
    assert "No space left" in stopped.err
    assert "mmindex maintain" in stopped.err
    assert crashes.differences(crashes.contents_of(serving), before) == (0, 0, 0)
    assert verify(Layout(lake), serving.manifest).findings == ()
    assert index(folder, lake).status == "published"
    expected = crashes.contents_of(Snapshot.open(Layout(made[1])))
    found = crashes.contents_of(Snapshot.open(Layout(lake)))
    assert crashes.differences(found, expected) == (0, 0, 0)


@pytest.fixture
def disk(tmp_path):
    """Mounts a disk of some KB, and mounts it anew as it is told."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options: str) -> Path:
        told = ["mount", "-t", "tmpfs", "-o", ",".join(options), "mmindex-test", str(place)]
        if subprocess.run(told, check=False, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here")
        return place

    yield mount
    while os.path.ismount(place):
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_read_only_lake_is_read_and_not_written(disk, made, run):
    """All that only reads works; what writes ends with one line that names the place."""
    folder, whole = made
    place = disk("size=4m")
    lake = place / "lake"
    shutil.copytree(whole, lake)
    disk("remount", "ro")

    reading = [
        run(*COMMANDS[name], "--lake", lake).code for name in COMMANDS if name != "maintain"
    ]
    writing = [
        run("index", folder, "--preset", "hash", "--lake", lake),
        run("maintain", "--lake", lake),
        run(*COMMANDS["rollback"], "--lake", lake),
    ]

    assert reading == [0, 0, 0, 0, 0, 1]  # the last one is rollback
    assert all(answer.code in (1, 2) for answer in writing)
    assert all(str(lake) in answer.err and answer.err.count("\n") == 1 for answer in writing)
    assert all("cannot be written to" in answer.err for answer in writing)


@pytest.mark.parametrize("kilobytes", [48, 64, 80, 96, 112])
def test_a_real_disk_that_is_full_loses_nothing(kilobytes, disk, made, monkeypatch, run):
    """Whatever write finds no room, it is one line, and a larger disk gets all."""
    folder, lake = made[0], disk(f"size={kilobytes}k") / "lake"
    monkeypatch.setattr("flows.stages.embedding.refuse_full_disk", lambda *_: None)  # the estimate

    stopped = run("index", folder, "--preset", "hash", "--lake", lake)
    disk("remount", "size=4m")
    after = run("index", folder, "--preset", "hash", "--lake", lake)

    assert (stopped.code, stopped.err.count("\n")) == (DiskSpaceError.exit_code, 1)
    assert "No space left" in stopped.err or "no space left" in stopped.err
    assert str(lake) in stopped.err
    assert after.code == 0
    assert verify(Layout(lake), manifest_of(Layout(lake))).findings == ()
