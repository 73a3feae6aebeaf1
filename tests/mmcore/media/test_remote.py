"""Tests of mmcore/media/remote.py, listing_remote.py and fetch.py, over fsspec's memory."""

from datetime import UTC, datetime, timedelta

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from mmcore.errors import ConfigError, MediaError, MissingExtraError, SourceError, UnreachableError
from mmcore.media import remote
from mmcore.media.crawl import crawl, walk
from mmcore.media.fetch import local_contents
from mmcore.media.grouping import items_of
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import Content, Source
from storage.schemas import Modality, content_id

ROOT = Source("media", "memory://media")
LATER = 10**30  # a crawl that began long after every object was put
HELLO = "一只猫 and a text.".encode()


@pytest.fixture
def store():
    """A store in memory with one picture's worth of text, and nothing of other tests."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe_file("/media/photos/猫.zh.txt", HELLO)
    yield memory
    memory.store.clear()


def look(spec=CrawlSpec(), known=None, since_ns=0):  # noqa: B008
    """Crawl the root in memory."""
    return crawl(ROOT, spec, LimitsSpec(), known or {}, since_ns=since_ns)


def paths(spec=CrawlSpec(), without=None):  # noqa: B008
    """The paths that are listed."""
    return [entry.path for entry in walk(ROOT, spec, without).entries]


def test_objects_have_type_and_content_id(store):
    """As files have; the path is below the root."""
    (file,) = look().files

    assert (file.path, file.modality) == ("photos/猫.zh.txt", Modality.TEXT)
    assert (file.content_id, file.size) == (content_id(HELLO), len(HELLO))


def test_the_rules_of_folders_hold_for_objects(store):
    """Junk, what is excluded, lakes, and what lies beside the root are left out, at any depth."""
    for name in (
        *(".DS_Store", "a/@eaDir/b/c.txt", "drafts/x/y.txt", "a.part"),
        *("old/lake/CURRENT", "old/lake/snapshots/1/manifest.json", "old/lake/files/p.txt"),
        *("new/candidates/1.txt", "kept/CURRENT"),
    ):
        store.pipe_file(f"/media/{name}", b"text")
    store.pipe_file("/media2/a.txt", b"text")

    assert paths(CrawlSpec(exclude=("drafts/",)), "memory:///media/new") == [
        "kept/CURRENT",
        "photos/猫.zh.txt",
    ]
    assert paths(CrawlSpec(include=("*.zh.txt",))) == ["photos/猫.zh.txt"]


def test_odd_names_are_read(store):
    """Names may hold what a URL gives a meaning to."""
    for name in ("a#b?c=d.txt", "%20 %E7.txt", "x//y.txt", "-.txt"):
        store.pipe_file(f"/media/odd/{name}", name.encode())

    odd = [file for file in look().files if file.path.startswith("odd/")]

    assert [file.content_id for file in odd] == [content_id(f.path[4:].encode()) for f in odd]
    assert len(odd) == 4


def test_a_known_object_is_not_read_again(store, monkeypatch):
    """Equal size and time keep the content id, as of files."""
    first = look()
    known = {file.path: file for file in first.files}
    monkeypatch.setattr(MemoryFileSystem, "cat_file", None)

    assert look(known=known, since_ns=LATER).files == first.files


@pytest.mark.parametrize("url", ["memory://nothing", "memory://media/photos/猫.zh.txt"])
def test_a_root_that_holds_nothing_is_a_source_error(store, url):
    """A prefix that is not there, or is an object: never taken for a deletion."""
    with pytest.raises(SourceError):
        walk(Source("media", url), CrawlSpec())
    with pytest.raises(SourceError):
        remote.check_folder(url)


def test_a_folder_that_holds_something_is_a_root(store):
    """It is asked for, and not listed."""
    remote.check_folder(ROOT.url)


def test_half_a_listing_is_a_source_error(store, monkeypatch):
    """Where fsspec walks folder by folder it leaves out what it cannot list: here it must not."""
    whole = MemoryFileSystem.ls

    def half(self, path, *args, **options):
        if path.endswith("photos"):
            raise OSError("the line is broken")
        return whole(self, path, *args, **options)

    monkeypatch.setattr(MemoryFileSystem, "find", fsspec.AbstractFileSystem.find)
    assert paths() == ["photos/猫.zh.txt"]
    monkeypatch.setattr(MemoryFileSystem, "ls", half)

    with pytest.raises(UnreachableError, match="the line is broken"):
        walk(ROOT, CrawlSpec())


def test_an_object_without_permission_stops_the_crawl(store, monkeypatch):
    """Credentials that ran out must not make every object a rejection."""

    def refused(*_, **__):
        raise PermissionError("Forbidden")

    monkeypatch.setattr(MemoryFileSystem, "cat_file", refused)

    with pytest.raises(SourceError, match=r"Forbidden.*credentials") as error:
        look()
    assert not isinstance(error.value, UnreachableError)


def test_a_long_object_is_read_in_blocks(store, monkeypatch):
    """One request a block, and the same content id as by one request."""
    store.pipe_file("/media/long.txt", HELLO * 1000)
    before = look().files
    monkeypatch.setattr(remote, "BLOCK", 4096)

    assert look().files == before


def test_manifests_are_read_below_the_root_and_elsewhere(store):
    """A manifest of a store groups objects, in the usual place or by its URL."""
    row = b"path,item,caption\nphotos/\xe7\x8c\xab.zh.txt,cat,A cat.\n"
    store.pipe_file("/elsewhere/pairs.csv", row)
    named = CrawlSpec(manifest="memory://elsewhere/pairs.csv")
    by_url = items_of(ROOT, look(named), named)
    store.pipe_file("/media/manifest.csv", row)
    in_place = items_of(ROOT, look(), CrawlSpec())

    assert [item.key for item in by_url] == [item.key for item in in_place] == ["cat"]
    assert {file.text for file in in_place[0].files} == {None, "A cat."}


@pytest.mark.parametrize("name", ["pairs.csv", "memory://media/pairs.csv"])
def test_a_named_manifest_below_the_root_is_no_text(store, name):
    """By its path below the root, or by its URL."""
    store.pipe_file("/media/pairs.csv", b"path,item\n")

    assert look(CrawlSpec(manifest=name)).manifests == ("pairs.csv",)


def test_a_manifest_that_is_not_there_is_a_config_error(store):
    """Neither below the root nor by its URL."""
    for name in ("pairs.csv", "memory://elsewhere/pairs.csv"):
        with pytest.raises(ConfigError, match="no such manifest"):
            walk(ROOT, CrawlSpec(manifest=name))


def test_another_checksum_is_another_stamp():
    """Of two objects put in the same second, the checksum tells that they differ."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    one, sure = remote.stamp({"LastModified": now, "ETag": '"a"'})
    other, _ = remote.stamp({"LastModified": now, "ETag": '"b"'})
    later, _ = remote.stamp({"LastModified": now + timedelta(seconds=1), "ETag": '"a"'})

    assert sure
    assert one // 10**9 == other // 10**9 == int(now.timestamp())
    assert one != other
    assert later - one == 10**9


@pytest.mark.parametrize(
    ("told", "ns"),
    [
        ({"created": 1.5}, 1_500_000_000),
        ({"updated": "1970-01-01T00:00:02.5Z"}, 2_500_000_000),
        ({"mtime": "soon"}, 0),
        ({}, 0),
    ],
)
def test_without_a_checksum_the_time_is_the_stamp(told, ns):
    """As the store tells it, or none."""
    assert remote.stamp(told) == (ns, False)


def test_a_missing_client_names_its_extra(monkeypatch):
    """What to install, by pip."""

    def missing(scheme):
        raise ImportError(f"Install a client to access {scheme}")

    monkeypatch.setattr(remote, "get_filesystem_class", missing)

    with pytest.raises(MissingExtraError, match=r"mmindex\[gs\]"):
        remote.opened("gs://bucket/media")
    with pytest.raises(ConfigError, match="Install a client"):
        remote.opened("abfs://box/media")


def test_an_unknown_scheme_is_a_config_error():
    """It names the URL."""
    with pytest.raises(ConfigError, match="nope://media"):
        remote.opened("nope://media")


def remote_content(path, data):
    """The content of an object, as it was crawled."""
    name = content_id(data)
    url = f"memory://media/{path}"
    return Content(name, Modality.TEXT, "text/plain", len(data), "media", path, url)


def test_objects_are_copied_and_compared(store, tmp_path):
    """What has gone, or has changed since the crawl, is an error of its own; the rest is there."""
    store.pipe_file("/media/changed.txt", b"after")
    contents = [
        remote_content("photos/猫.zh.txt", HELLO),
        remote_content("changed.txt", b"befor"),
        remote_content("gone.txt", b"gone"),
    ]
    here, changed, gone = local_contents(contents, tmp_path / "copies")

    assert isinstance(here, Content)
    assert (tmp_path / "copies/0").read_bytes() == HELLO
    assert here.location == str(tmp_path / "copies/0")
    assert [e.reason for e in (changed, gone) if isinstance(e, MediaError)] == [
        "changed",
        "vanished",
    ]


def test_a_store_that_does_not_answer_fails_the_shard(store, tmp_path, monkeypatch):
    """It is no fault of the object: another try may do better."""

    def silent(*_, **__):
        raise TimeoutError

    monkeypatch.setattr(MemoryFileSystem, "get_file", silent)

    with pytest.raises(UnreachableError):
        local_contents([remote_content("photos/猫.zh.txt", HELLO)], tmp_path / "copies")
