"""Roots in a real S3 server: what a run asks of it, and what it makes of its answers."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from flows.config.index import IndexConfig
from mmcore.errors import ConfigError, SourceError
from mmcore.search.searcher import Searcher
from mmcore.specs import CrawlSpec
from mmcore.types import Query
from storage.layout import Layout
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import crashes, media

CHINESE = "一只绿色的青蛙在叫。"


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders of all modalities that hash."""
    logging.disable(logging.INFO)
    index = crashes.plain_index(monkeypatch)
    crashes.use_hash_encoders(monkeypatch.setattr)
    yield index
    logging.disable(logging.NOTSET)


@pytest.fixture
def bucket(s3, tmp_path):
    """A bucket with pictures, texts (one in GB18030), a sound, a clip and junk below ``media``."""
    import s3fs

    folder = tmp_path / "local"
    for number in range(3):
        media.png(folder / f"照片/{number}.png", media.noise(seed=number))
        media.text(folder / f"照片/{number}.txt", f"Noise number {number}.")
    media.text(folder / "照片/2.zh.txt", CHINESE, "gb18030")
    media.text(folder / "odd/e::f#g %20+.txt", "An odd name.")
    media.wav(folder / "sound.wav")
    media.mp4(folder / "clip.mp4", 1.0)
    media.text(folder / "manifest.csv", "path,caption\nsound.wav,A tone.\n")
    for junk in (".DS_Store", "@eaDir/a.txt", "x.part", "old/CURRENT", "old/snapshots/1/m.json"):
        media.text(folder / junk, "junk")
    url = s3.bucket()
    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.put(str(folder), f"{url}/media", recursive=True)
    store.pipe(f"{url}/media/empty/", b"")  # what a console makes of a new folder
    store.pipe(f"{url}/media2/other.txt", b"Not of this root.")
    return SimpleNamespace(url=url, root=f"{url}/media", store=store, server=s3, folder=folder)


def requests(seen, method):
    """The keys asked for by a method, without their bucket; a listing is not one of them."""
    asked = [line.partition(" ")[2] for line in seen if line.startswith(method)]
    return [path for path in asked if "list-type" not in path]


def test_a_root_in_a_store_is_indexed_like_a_folder(bucket, index, tmp_path):
    """The same contents, items and vectors; junk, other prefixes and lakes are left out."""
    remote = index(f"media={bucket.root}/", tmp_path / "remote")
    local = index(f"media={bucket.folder}", tmp_path / "lake")
    one, other = (
        crashes.contents_of(Snapshot.open(Layout(tmp_path / lake))) for lake in ("remote", "lake")
    )
    assert (remote.status, remote.files) == ("published", local.files)
    assert remote.quarantined == local.quarantined == {}
    assert one.rows["items"] == other.rows["items"]
    assert one.rows["segments/text"] == other.rows["segments/text"]
    assert one.indexed == other.indexed

    searcher = Searcher.open(tmp_path / "remote")
    (hit,) = searcher.search(Query(CHINESE, modality=Modality.TEXT, k=1))
    assert hit.path == "照片/2.zh.txt"
    assert searcher.snapshot.manifest.sources == {"media": bucket.root}
    assert list((tmp_path / "remote").glob("staging/*")) == []


def test_an_unchanged_root_is_listed_and_not_read(bucket, index, tmp_path):
    """The second run asks for no object: the listing tells all, however young they are."""
    with bucket.server.counting() as first:
        index(bucket.root, tmp_path / "lake")
    with bucket.server.counting() as second:
        result = index(bucket.root, tmp_path / "lake")

    assert result.status == "unchanged"
    assert len(requests(first, "GET")) > 0
    assert requests(second, "GET") == []


def test_a_changed_object_is_read_and_embedded_alone(bucket, index, tmp_path):
    """Also when its size is as before, and its time too, by the second: the ETag tells."""
    index(bucket.root, tmp_path / "lake")
    bucket.store.pipe(f"{bucket.root}/照片/1.txt", b"Noise number 7.")
    with bucket.server.counting() as seen:
        result = index(bucket.root, tmp_path / "lake")
    texts = Snapshot.open(Layout(tmp_path / "lake")).rows("segments/text")["text"].to_pylist()

    assert {name: count for name, count in result.new.items() if count} == {"hash-text": 1}
    assert {path.rpartition("/")[2] for path in requests(seen, "GET")} == {"1.txt", "manifest.csv"}
    assert "Noise number 7." in texts
    assert "Noise number 1." not in texts


def test_a_small_object_is_one_request_for_the_hash_and_one_for_the_decoder(
    bucket, index, tmp_path
):
    """It is read once, its type told from its head; and once more when it is decoded."""
    with bucket.server.counting() as seen:
        index(bucket.root, tmp_path / "lake")
    pictures = [path for path in requests(seen, "GET") if path.endswith(".png")]

    assert len(pictures) == 2 * 3


@pytest.mark.parametrize("lost", ["prefix", "bucket", "most"])
def test_a_lost_root_deletes_nothing(bucket, index, tmp_path, lost):
    """A bucket or a prefix that is gone, or lost most of what it had, stops the run."""
    index(bucket.root, tmp_path / "lake")
    if lost == "most":
        for name in ("照片", "odd", "sound.wav"):
            bucket.store.rm(f"{bucket.root}/{name}", recursive=True)
    else:
        bucket.store.rm(bucket.root if lost == "prefix" else bucket.url, recursive=True)

    with pytest.raises(SourceError):
        index(bucket.root, tmp_path / "lake")
    assert current(Layout(tmp_path / "lake")) == 1


def test_a_lake_may_have_local_and_remote_roots(bucket, index, tmp_path):
    """Each keeps its alias; a content that both have is embedded once."""
    both = (f"here={bucket.folder}", f"there={bucket.root}")
    index(bucket.root, tmp_path / "lake", media=both)
    snapshot = Snapshot.open(Layout(tmp_path / "lake"))
    roots = snapshot.rows("files")["root"].to_pylist()

    assert roots.count("here") == roots.count("there") > 0
    assert snapshot.manifest.sources == {"here": str(bucket.folder), "there": bucket.root}
    assert index(bucket.root, tmp_path / "lake", media=both).status == "unchanged"


def test_a_lake_inside_its_root_is_not_indexed(bucket, index):
    """Both in a store: what was made of media is not media, not even before it is published."""
    lake = f"{bucket.root}/lake"
    bucket.store.pipe(f"{lake}/reports/1/notes.txt", b"Of a run that died.")
    first, second = (index(bucket.root, lake) for _ in range(2))

    assert (first.status, second.status) == ("published", "unchanged")
    assert sum(first.files.values()) == 11


def test_an_object_that_changes_during_a_run_is_tried_again(bucket, index, tmp_path, monkeypatch):
    """Its old vectors are not its own: it is in quarantine until the next run reads it."""
    from flows.stages import finding

    crawl = finding.crawl_roots

    def changing(*args):
        found = crawl(*args)
        bucket.store.pipe(f"{bucket.root}/照片/1.txt", b"Noise number 7.")
        bucket.store.rm(f"{bucket.root}/照片/2.txt")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(finding, "crawl_roots", changing)
        first = index(bucket.root, tmp_path / "lake")
    second = index(bucket.root, tmp_path / "lake")

    assert first.quarantined == {"changed": 1, "vanished": 1}
    assert second.quarantined == {}
    assert second.new["hash-text"] == 1


def test_a_manifest_in_another_bucket_groups_a_root(bucket, index, tmp_path, s3):
    """By its URL; when it changes, the next run sees it."""
    url = f"{s3.bucket()}/pairs.csv"
    bucket.store.pipe(url, "path,item\n照片/1.png,one\n".encode())
    spec = CrawlSpec(manifest=url)
    index(bucket.root, tmp_path / "lake", crawl=spec)
    bucket.store.pipe(url, "path,item\n照片/1.png,two\n".encode())

    assert index(bucket.root, tmp_path / "lake", crawl=spec).status == "published"
    items = Snapshot.open(Layout(tmp_path / "lake")).rows("items")["key"].to_pylist()
    assert "two" in items
    assert "one" not in items


def test_a_root_without_permission_is_a_source_error(bucket, index, tmp_path, monkeypatch):
    """What the store refuses is told before any work, with what to check."""
    import s3fs

    async def refused(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", refused)

    with pytest.raises(SourceError, match=r"Access Denied.*credentials"):
        index(bucket.root, tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_url_with_a_password_is_refused(tmp_path):
    """Before anything keeps it."""
    config = IndexConfig(media=("s3://me:hush@bucket/media",), lake=str(tmp_path / "lake"))

    with pytest.raises(ConfigError, match="password"):
        config.sources()


@pytest.mark.parametrize(
    ("text", "alias", "url"),
    [
        ("s3://bucket/photos/2026/", "2026", "s3://bucket/photos/2026"),
        ("s3://bucket", "bucket", "s3://bucket"),
        ("mine=s3://bucket/photos", "mine", "s3://bucket/photos"),
        ("s3://bucket/a=b", "a=b", "s3://bucket/a=b"),
    ],
)
def test_a_url_is_named_by_its_last_part(tmp_path, text, alias, url):
    """As a folder is, unless an alias is given."""
    (source,) = IndexConfig(media=(text,), lake=str(tmp_path)).sources()

    assert (source.alias, source.url) == (alias, url)
