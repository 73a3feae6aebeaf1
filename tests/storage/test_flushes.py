"""The order in which a file, its name and its folder reach the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.layout import Layout
from storage.places.atomic import replacing
from storage.publication import publish
from tests.factories import candidate

Calls = list[tuple[str, Path]]


@pytest.fixture
def disk(monkeypatch) -> Calls:
    """What was asked of the system, in order: flushes of files and folders, and new names."""
    calls: Calls = []
    fsync, replace, opened = os.fsync, os.replace, os.open
    names: dict[int, Path] = {}

    def opening(path, *rest, **options):
        descriptor = opened(path, *rest, **options)
        names[descriptor] = Path(path)
        return descriptor

    def flushing(descriptor):
        calls.append(("flush", names[descriptor]))
        fsync(descriptor)

    def naming(source, target):
        calls.append(("name", Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "replace", naming)
    return calls


def test_a_file_is_flushed_before_it_gets_its_name_and_the_folder_after(disk, tmp_path):
    """After a power cut there is no name of half a file, and no name that was told is lost."""
    folder = tmp_path / "new"
    with replacing(folder / "file") as temporary:
        temporary.write_bytes(b"1")
        before = len(disk)

    assert disk[:before] == [("flush", tmp_path)]  # the folder's own name
    assert disk[before:] == [("flush", temporary), ("name", folder / "file"), ("flush", folder)]


def test_a_snapshot_is_on_disk_before_the_pointer_names_it(disk, tmp_path):
    """Files come before the manifest that names them, the manifest before ``CURRENT``."""
    layout = Layout(tmp_path)
    told = publish(layout, candidate(layout, ("cat",)))

    manifest = layout.snapshot(1) / "manifest.json"
    named = [path for call, path in disk if call == "name"]
    assert named[-3:] == [manifest.with_name("views.sql"), manifest, layout.current]
    assert set(named[:-3]) == {layout.root / file.path for file in told.files}
    for path in named:  # the next name is given when this one is safe
        at = disk.index(("name", path))
        assert disk[at - 1][0] == "flush"
        assert disk[at - 1][1].parent == path.parent
        assert disk[at + 1] == ("flush", path.parent)
    assert disk.index(("name", manifest)) > disk.index(("flush", manifest.parent.parent))
