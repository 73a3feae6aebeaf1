"""Places: local folders and object stores by one name."""

from __future__ import annotations

import copy
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from storage.errors import PlaceError
from storage.places import cache
from storage.places import place as places
from storage.places.atomic import replacing, write_bytes
from storage.places.place import is_local, listing, local_copy, place_of
from storage.schemas import MissingExtraError


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["local", "memory", "s3"])
def place(request, tmp_path) -> Path:
    """A folder that is not there yet, in each kind of store."""
    if request.param == "local":
        return tmp_path / "lake"
    if request.param == "memory":
        return place_of(f"memory://{uuid4().hex}/lake")
    return place_of(f"{request.getfixturevalue('s3').bucket()}/lake")


def test_a_plain_path_and_a_file_url_are_the_same_local_path(tmp_path):
    """Who names a local folder gets a ``pathlib.Path``, however it is written."""
    folder = tmp_path / "a b 湖"

    assert place_of(str(folder)) == folder
    assert place_of(folder.as_uri()) == folder
    assert is_local(place_of(folder.as_uri()))


def test_a_remote_place_answers_like_a_path(place):
    """Names, sizes, texts and listings are asked for by the calls of ``pathlib``."""
    write_bytes(place / "a" / "猫.txt", "猫".encode())

    assert (place / "a" / "猫.txt").read_text("utf-8") == "猫"
    assert (place / "a" / "猫.txt").stat().st_size == 3
    assert (place / "a" / "猫.txt").relative_to(place).as_posix() == "a/猫.txt"
    assert [path.name for path in place.rglob("*.txt")] == ["猫.txt"]
    assert [path.name for path in (place / "a").iterdir()] == ["猫.txt"]
    assert copy.deepcopy(place) == place
    assert not (place / "b").exists()


def test_a_listing_has_the_files_below_with_their_sizes(place):
    """Folders are told apart from files; one that is not there is empty."""
    write_bytes(place / "a" / "b" / "one", b"1")
    write_bytes(place / "a" / "two", b"22")
    write_bytes(place / "ab", b"333")

    assert {name: like.size for name, like in listing(place).items()} == {
        "a/b/one": 1,
        "a/two": 2,
        "ab": 3,
    }
    assert set(listing(place / "a", deep=False)) == {"two"}
    assert listing(place / "none") == {}
    assert places.children(place) == ["a", "ab"]
    assert places.children(place / "none") == []
    assert [folder.name for folder in places.folders(place)] == ["a"]
    assert places.folders(place / "none") == []


def test_a_listing_tells_when_a_file_was_written(place):
    """The time is that of the store, in seconds since 1970."""
    write_bytes(place / "one", b"1")

    assert listing(place)["one"].mtime == pytest.approx(time.time(), abs=60)


def test_sizes_of_files_that_are_not_there_are_none(place):
    """Whether by a listing or by asking, a missing file has no size."""
    write_bytes(place / "a" / "one", b"1")

    size_of = places.sizes(place, ["a/one", "a/none", "b/none"])

    assert [size_of(name) for name in ("a/one", "a/none", "b/none")] == [1, None, None]


def test_removing_what_is_not_there_is_fine(place):
    """Files are removed at once; those that another process removed do not matter."""
    for name in ("one", "two", "three"):
        write_bytes(place / name, b"1")

    places.remove(place / name for name in ("one", "two", "none"))

    assert set(listing(place)) == {"three"}


def test_a_block_that_fails_leaves_what_was_there(place):
    """Half a file is never seen: the new one replaces the old one when the block has ended."""
    write_bytes(place / "one", b"old")

    with suppress(ValueError), replacing(place / "one") as temporary:
        temporary.write_bytes(b"half")
        assert (place / "one").read_bytes() == b"old"
        raise ValueError

    assert (place / "one").read_bytes() == b"old"
    with replacing(place / "one") as temporary:
        temporary.write_bytes(b"new")
    assert (place / "one").read_bytes() == b"new"
    assert set(listing(place)) == {"one"}
    assert list(cache.folder().glob("uploads/*")) == []


def test_a_local_file_is_its_own_copy(tmp_path):
    """Nothing is copied that can be opened where it lies."""
    assert local_copy(tmp_path / "one") == tmp_path / "one"
    assert not cache.folder().exists()


@pytest.mark.parametrize("place", ["memory", "s3"], indirect=True)
def test_a_remote_file_is_copied_once_until_it_changes(place):
    """The copy of a file serves again; another file at the same place is another copy."""
    write_bytes(place / "one.bin", b"old")
    first = local_copy(place / "one.bin")

    assert first.read_bytes() == b"old"
    assert first.suffix == ".bin"
    assert local_copy(place / "one.bin") == first
    write_bytes(place / "one.bin", b"new")
    assert local_copy(place / "one.bin").read_bytes() == b"new"
    with pytest.raises(FileNotFoundError):
        local_copy(place / "none")


def test_copies_that_were_unused_for_longest_make_room(monkeypatch):
    """The bound holds, and what was just fetched stays even if it alone is over it."""
    monkeypatch.setenv("MMINDEX_CACHE_BYTES", "2")
    kept = {name: cache.kept(name, 1, lambda path: path.write_bytes(b"1")) for name in "ab"}
    for age, path in zip((2, 1), kept.values(), strict=True):
        os.utime(path, (10**9 - age, 10**9 - age))
    cache.kept("a", 1, pytest.fail)  # used again

    cache.kept("c", 1, lambda path: path.write_bytes(b"1"))

    assert {path.name for path in (cache.folder() / "files").iterdir()} == {"a", "c"}
    assert cache.kept("d", 5, lambda path: path.write_bytes(b"12345")).exists()


def test_clearing_leaves_neither_copies_nor_uploads():
    """What was erased stays in no copy, nor in what a killed run was about to put."""
    cache.kept("a", 1, lambda path: path.write_bytes(b"1"))
    with cache.scratch() as path:
        path.write_bytes(b"half a part")

        cache.clear()

        assert [path for path in cache.folder().rglob("*") if path.is_file()] == []
    cache.clear()


def test_what_a_killed_process_was_about_to_put_goes_after_a_day():
    """Another process may be at work on what is younger."""
    here = cache.folder() / "uploads"
    here.mkdir(parents=True)
    for name, hours in (("old", 25), ("young", 23)):
        (here / name).write_bytes(b"-")
        when = time.time() - hours * 3600
        os.utime(here / name, (when, when))

    with cache.scratch():
        assert [path.name for path in here.iterdir()] == ["young"]


def test_a_copy_that_another_process_evicts_too_is_no_error(monkeypatch):
    """Of two that make room each removes what is still there."""
    monkeypatch.setenv("MMINDEX_CACHE_BYTES", "1")
    cache.kept("a", 1, lambda path: path.write_bytes(b"1"))
    stat = Path.stat

    def gone(path, **options):
        like = stat(path, **options)
        if path.name == "a":
            path.unlink()
        return like

    def fetch(path):
        path.write_bytes(b"1")
        monkeypatch.setattr(Path, "stat", gone)

    assert stat(cache.kept("b", 1, fetch)).st_size == 1
    assert {path.name for path in (cache.folder() / "files").iterdir()} == {"b"}


def test_a_copy_that_broke_off_is_no_copy():
    """A connection that ends early is an error, and nothing is kept of it."""
    with pytest.raises(PlaceError, match="1 bytes were fetched, not 2"):
        cache.kept("a", 2, lambda path: path.write_bytes(b"1"))

    assert not (cache.folder() / "files" / "a").exists()


def test_a_bound_that_is_no_number_is_told(monkeypatch):
    """A setting that cannot be says which one it is."""
    monkeypatch.setenv("MMINDEX_CACHE_BYTES", "much")

    with pytest.raises(PlaceError, match="MMINDEX_CACHE_BYTES: 'much'"):
        cache.bound()


def test_credentials_in_a_url_are_refused_and_not_repeated():
    """A URL is printed and kept in manifests, so it may hold no secret."""
    with pytest.raises(PlaceError, match="credentials") as raised:
        place_of("s3://key:secret@bucket/lake")

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        *("s3://bucket/a*", "s3://bucket/[a]", "nonsense://bucket/lake"),
        *("s3://", "s3:///lake", "s3:/bucket/lake", "s3:bucket/lake", "S3:/bucket", "gs://"),
        *(
            "s3://bucket/a/../lake",
            "s3://bucket/./lake",
            "s3://my bucket/lake",
            "s3://bu$cket/lake",
        ),
        *("http://example.org/lake", "https://example.org/lake", "http:/example.org"),
    ],
)
def test_a_url_that_cannot_be_used_is_told(url):
    """What a listing would take for a pattern, or nobody knows, is refused at once."""
    with pytest.raises(PlaceError, match=url.partition("//")[0]):
        place_of(url)


def test_a_missing_package_is_named(monkeypatch):
    """Who needs Google's client reads how to install it."""
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # as where it is not installed
    opened = sys.modules["fsspec.registry"]._registry  # fsspec.registry is a view of it
    for scheme in ("gs", "gcs"):
        monkeypatch.delitem(opened, scheme, raising=False)

    with pytest.raises(MissingExtraError, match=r"pip install 'mmindex\[gs\]'"):
        place_of("gs://bucket/lake")


def test_a_listing_is_whole_or_an_error(monkeypatch):
    """What a store could not list is not taken for missing, also where fsspec walks by itself."""
    from fsspec.implementations.memory import MemoryFileSystem

    place = place_of(f"memory://{uuid4().hex}/lake")
    for name in ("a/one", "b/two"):
        write_bytes(place / name, b"1")
    ls = MemoryFileSystem.ls

    def broken(store, path, *rest, **options):
        if path.endswith("/b"):
            raise ConnectionError("gone")
        return ls(store, path, *rest, **options)

    monkeypatch.delattr(MemoryFileSystem, "find")  # as in stores that have no listing of all
    assert set(listing(place)) == {"a/one", "b/two"}
    assert listing(place / "none") == {}
    monkeypatch.setattr(MemoryFileSystem, "ls", broken)
    with pytest.raises(ConnectionError):
        listing(place)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="such a link is resolved to itself")
def test_a_link_that_leads_back_to_itself_is_no_place(tmp_path):
    """It is refused by its name, as any other place that cannot be used."""
    link = tmp_path / "lake"
    link.symlink_to(link)

    with pytest.raises(PlaceError, match="leads back to itself"):
        place_of(str(link))
