"""What cannot be listed is not taken for what is not there."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest

from storage import candidates, models
from storage.candidates import write_candidate
from storage.erasure.orders import Order
from storage.erasure.sweep import sweep
from storage.layout import Layout
from storage.maintenance.garbage import Retention, survey
from storage.manifest import read_manifest
from storage.places.place import children, folders, listing, place_of
from storage.published import published
from tests.factories import WHEN, manifest, small_lake


class Unlistable:
    """Stands for a store, or a disk, that refuses whatever has to do with some folder."""

    def __init__(self, monkeypatch) -> None:
        self._patch = monkeypatch

    def refuse(self, ending: str) -> None:
        """Let nobody look into folders whose names end so."""
        from fsspec.implementations.memory import MemoryFileSystem

        self._patch.delattr(MemoryFileSystem, "find")  # it walks, as S3's client does in a glob
        self._wrap(MemoryFileSystem, "ls", ending, 1)
        for name in ("listdir", "scandir"):
            self._wrap(os, name, ending, 0)
        self._wrap(os, "stat", f"{ending}/manifest.json", 0)

    def _wrap(self, owner: object, name: str, ending: str, at: int) -> None:
        real = getattr(owner, name)

        def asked(*arguments, **options):
            if len(arguments) > at and str(arguments[at]).rstrip("/").endswith(ending):
                raise PermissionError(13, "refused", str(arguments[at]))
            return real(*arguments, **options)

        self._patch.setattr(owner, name, asked)


@pytest.fixture
def disk(monkeypatch):
    """What can be told to refuse."""
    return Unlistable(monkeypatch)


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path) -> Layout:
    """A lake with a snapshot and a candidate."""
    url = str(tmp_path) if request.param == "local" else f"memory://{uuid4().hex}/lake"
    layout = small_lake(place_of(url), ("cat",)).layout
    write_candidate(layout, manifest(run="b", number=2, parent=1))
    return layout


@pytest.mark.parametrize("ending", ["/snapshots", "/snapshots/1", "/candidates", "/candidates/b"])
def test_garbage_is_not_told_from_half_a_listing(lake, disk, ending):
    """Whoever decides what goes sees all snapshots and candidates, or fails."""
    disk.refuse(ending)

    with pytest.raises(PermissionError):
        survey(lake, Retention(), WHEN)


@pytest.mark.parametrize("ending", ["/snapshots", "/snapshots/1"])
def test_snapshots_that_cannot_be_listed_are_not_gone(lake, disk, ending):
    """An erasure would not write them anew, and sweep what they name."""
    disk.refuse(ending)

    with pytest.raises(PermissionError):
        published(lake)


def test_a_folder_that_cannot_be_listed_is_not_empty(lake, disk):
    """Of a whole listing nothing is left out in silence."""
    disk.refuse("/snapshots/1")

    for look in (listing, children, folders):
        with pytest.raises(PermissionError):
            look(lake.root / "snapshots" / "1")
    with pytest.raises(PermissionError):
        listing(lake.root)


def test_the_files_of_a_model_are_all_or_an_error(s3, monkeypatch):
    """No manifest is published without some of a projection's files."""
    from s3fs import S3FileSystem

    layout = Layout(place_of(f"{s3.bucket()}/lake"))
    folder = models.store_model(layout, "projection", "p1", {"a.json": b"{}", "b.bin": b"1"})
    assert [path.name for path in models.files_of(folder)] == ["a.json", "b.bin"]

    async def refused(*_, **__):
        raise PermissionError("refused")

    monkeypatch.setattr(S3FileSystem, "_lsdir", refused)
    with pytest.raises(PermissionError):
        models.files_of(folder)
    with pytest.raises(PermissionError):
        published(layout)


def test_a_stray_file_among_the_candidates_is_none(tmp_path):
    """What a file manager leaves there stops neither an erasure nor a run."""
    layout = small_lake(tmp_path, ("cat",)).layout
    write_candidate(layout, manifest(run="b", number=2, parent=1))
    (layout.candidates / ".DS_Store").write_bytes(b"\0")

    assert candidates.runs(layout) == candidates.unjudged(layout) == ["b"]
    assert candidates.number_of(layout.candidates / ".DS_Store") is None
    assert sweep(layout, Order()) == 0
    assert read_manifest(layout.candidate("b") / "manifest.json").number == 2


@pytest.mark.parametrize("data", [b"{", b"[]", b""])
def test_a_damaged_mark_is_a_refusal_without_a_reason(tmp_path, data):
    """It stops no run, and the candidate stays to be looked into."""
    layout = Layout(tmp_path)
    write_candidate(layout, manifest(run="b", number=2))
    (layout.candidate("b") / "blocked.json").write_bytes(data)

    (found,) = candidates.blocked(layout)
    assert (found.run, found.number, found.reason, found.when) == ("b", 2, "", None)
    assert candidates.unjudged(layout) == []
