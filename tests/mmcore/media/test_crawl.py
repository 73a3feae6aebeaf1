"""Tests of mmcore/media/crawl.py."""

import errno
import os
import shutil
import socket
from pathlib import Path

import pytest

from mmcore.errors import SourceError
from mmcore.media.crawl import crawl, read, walk
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import Source
from storage.schemas import Modality, content_id
from tests import media

LATER = 10**30  # a crawl that began long after every file was written


@pytest.fixture
def root(tmp_path) -> Path:
    """A root with a picture and a text."""
    media.png(tmp_path / "root/photos/猫.png")
    media.text(tmp_path / "root/photos/猫.zh.txt", "一只猫")
    return tmp_path / "root"


def look(root, spec=CrawlSpec(), known=None, since_ns=0, limits=LimitsSpec()):  # noqa: B008
    """Crawl a root under the alias ``media``."""
    return crawl(Source("media", str(root)), spec, limits, known or {}, since_ns=since_ns)


def reasons(crawled) -> dict[str, str]:
    """Why each path was refused."""
    return {rejection.path: rejection.reason for rejection in crawled.rejections}


def paths(crawled) -> list[str]:
    """The paths that were found."""
    return [file.path for file in crawled.files]


def test_files_have_type_and_content_id(root):
    """Each file has its path below the root, its type and the hash of its bytes, by path."""
    picture, text = look(root).files

    assert (picture.root, picture.path, picture.modality) == (
        "media",
        "photos/猫.png",
        Modality.IMAGE,
    )
    assert picture.content_id == content_id((root / picture.path).read_bytes())
    assert picture.size == (root / picture.path).stat().st_size
    assert picture.mtime_ns == (root / picture.path).stat().st_mtime_ns
    assert (text.path, text.media_type) == ("photos/猫.zh.txt", "text/plain")


def test_a_known_file_is_not_read_again(root):
    """Equal size and mtime keep the content id, unread, unless every file is to be hashed."""
    first = look(root)
    known = {f.path: f for f in first.files}
    path = root / "photos/猫.zh.txt"
    stamp = path.stat().st_mtime_ns
    path.write_bytes("一只狗".encode())
    os.utime(path, ns=(stamp, stamp))

    assert look(root, known=known, since_ns=LATER).files == first.files
    assert look(root, CrawlSpec(hash_all=True), known, LATER).files != first.files


@pytest.mark.parametrize(("age_ns", "read"), [(3_000_000_000, False), (1_000_000_000, True)])
def test_a_racily_young_file_is_read_again(root, age_ns, read):
    """A file written within two seconds before the last crawl may have changed unseen."""
    first = look(root)
    path = root / "photos/猫.zh.txt"
    stamp = path.stat().st_mtime_ns
    path.write_bytes("一只狗".encode())
    os.utime(path, ns=(stamp, stamp))
    found = look(root, known={f.path: f for f in first.files}, since_ns=stamp + age_ns)

    assert (found.files != first.files) == read


def test_a_changed_file_is_read_again(root):
    """Another mtime alone is reason enough."""
    known = {f.path: f for f in look(root).files}
    path = root / "photos/猫.zh.txt"
    path.write_bytes("一只狗".encode())
    os.utime(path, ns=(1, 1))
    (text,) = [f for f in look(root, known=known, since_ns=LATER).files if f.path.endswith("txt")]

    assert text.content_id == content_id("一只狗".encode())


def test_junk_is_left_out(root):
    """Hidden files and the usual folders of systems are never looked at."""
    for junk in (".DS_Store", "._猫.png", "@eaDir/a.png", "Thumbs.db", ".git/config", "a.part"):
        media.text(root / "photos" / junk, "junk")

    assert paths(look(root)) == ["photos/猫.png", "photos/猫.zh.txt"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (CrawlSpec(include=("*.png",)), ["photos/猫.png"]),
        (CrawlSpec(exclude=("*.png",)), ["photos/猫.zh.txt"]),
        (CrawlSpec(include=("photos/*",), exclude=("*/猫.zh.*",)), ["photos/猫.png"]),
    ],
)
def test_globs_choose(root, spec, found):
    """Exclude wins over include; a star crosses folders."""
    assert paths(look(root, spec)) == found


def test_an_excluded_folder_is_not_entered(root):
    """A glob that fits a folder leaves out all below it."""
    media.png(root / "private/a/b.png")

    assert paths(look(root, CrawlSpec(exclude=("private/",)))) == [
        "photos/猫.png",
        "photos/猫.zh.txt",
    ]


def test_what_cannot_be_used_is_a_rejection(root):
    """An empty file, an archive and a socket are rejected with a reason; the rest stays."""
    (root / "a.txt").touch()
    (root / "b.zip").write_bytes(b"PK\x03\x04\x14\0\0\0")
    with socket.socket(socket.AF_UNIX) as pipe:
        pipe.bind(str(root / "c.png"))
        found = look(root)

    assert [(r.path, r.stage, r.reason) for r in found.rejections] == [
        ("a.txt", "sniff", "empty"),
        ("b.zip", "sniff", "unsupported-type"),
        ("c.png", "crawl", "not-a-file"),
    ]
    assert len(found.files) == 2


def test_a_file_above_the_limit_is_not_read(root):
    """Bytes are limited before hashing."""
    (rejection, *_) = look(root, limits=LimitsSpec(max_bytes=5)).rejections

    assert (rejection.stage, rejection.reason) == ("limits", "too-many-bytes")


def test_links_are_followed_to_files_of_the_root_only(root, tmp_path):
    """A link to a file of the root is a second path of one content; others are told, each."""
    media.png(tmp_path / "outside/secret.png", media.noise())
    (root / "again.png").symlink_to(root / "photos/猫.png")
    (root / "out.png").symlink_to(tmp_path / "outside/secret.png")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "dangling.png").symlink_to(root / "nothing.png")
    found = look(root)

    assert paths(found) == ["again.png", "photos/猫.png", "photos/猫.zh.txt"]
    assert found.files[0].content_id == found.files[1].content_id
    assert [(r.path, r.stage, r.reason) for r in found.rejections] == [
        ("dangling.png", "crawl", "dangling-link"),
        ("loop", "crawl", "link-loop"),
        ("out", "crawl", "link-outside"),
        ("out.png", "crawl", "link-outside"),
        ("self", "crawl", "link-loop"),
    ]


def test_links_that_are_left_out_are_not_told(root):
    """Junk, what is excluded and what is not included says nothing, link or not."""
    for name in (".hidden", "drafts", "out.png"):
        (root / name).symlink_to("/nowhere")

    assert reasons(look(root, CrawlSpec(exclude=("drafts",)))) == {"out.png": "dangling-link"}
    assert reasons(look(root, CrawlSpec(include=("photos/*",)))) == {}


@pytest.mark.timeout(20)
def test_nothing_but_files_is_opened(root, monkeypatch):
    """Neither a pipe, which nobody writes into, nor a link to one, nor one that is a manifest."""
    (root / "deep").mkdir()
    for pipe in ("pipe.png", "manifest.csv", "deep/pipe"):
        os.mkfifo(root / pipe)
    (root / "link.png").symlink_to("deep/pipe")
    (root / "device.png").symlink_to("/dev/zero")
    touched, opens = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: touched.append(path) or opens(path, *rest))

    found = look(root)

    assert reasons(found) == {
        "deep/pipe": "not-a-file",
        "device.png": "link-outside",
        "link.png": "not-a-file",
        "manifest.csv": "not-a-file",
        "pipe.png": "not-a-file",
    }
    assert found.manifests == ()
    assert sorted(touched) == [str(root / file.path) for file in found.files]


@pytest.mark.timeout(20)
def test_what_became_a_pipe_since_it_was_listed_is_not_waited_on(root):
    """Or a link out of the root, or has gone: told, and the others are read."""
    for name in ("a.png", "b.png", "c.png"):
        media.png(root / name)
    walked = walk(Source("media", str(root)), CrawlSpec())
    for name in ("a.png", "b.png", "c.png"):
        (root / name).unlink()
    os.mkfifo(root / "a.png")
    (root / "b.png").symlink_to("/etc/hostname")

    found = read(walked, LimitsSpec(), {})

    told = {"a.png": "not-a-file", "b.png": "link-outside", "c.png": "vanished"}
    assert reasons(found) == told
    assert paths(found) == ["photos/猫.png", "photos/猫.zh.txt"]


def test_odd_names_are_found(root):
    """Names may hold spaces, emoji, a newline, a leading dash, bytes that are no UTF-8."""
    names = [b"-a.png", b"caf\xe9.png", "🐸 .png".encode(), b"line\nbreak.PNG", b"noextension"]
    for name in names:
        media.png(Path(os.fsdecode(os.fsencode(root / "odd") + b"/" + name)))

    assert [os.fsencode(p) for p in paths(look(root)) if p.startswith("odd/")] == [
        b"odd/" + name for name in sorted(names, key=os.fsdecode)
    ]


def test_manifests_are_listed_and_are_no_texts(root):
    """manifest.csv in any folder, and the manifest the spec names, are no texts."""
    media.text(root / "manifest.csv", "path,caption\n")
    media.text(root / "photos/Manifest.jsonl", "")
    media.text(root / "photos/pairs.jsonl", "{}")
    found = look(root, CrawlSpec(manifest="photos/pairs.jsonl", include=("*.png",)))

    assert found.manifests == ("manifest.csv", "photos/Manifest.jsonl")
    assert look(root, CrawlSpec(manifest="photos/pairs.jsonl")).manifests == (
        "manifest.csv",
        "photos/Manifest.jsonl",
        "photos/pairs.jsonl",
    )


@pytest.mark.parametrize("name", ["nothing", "file.txt", "empty"])
def test_a_root_that_is_no_full_folder_is_a_source_error(tmp_path, name):
    """Missing, not a folder, or without any file: never taken for a deletion."""
    (tmp_path / "empty/below").mkdir(parents=True)
    (tmp_path / "file.txt").write_text("text")

    with pytest.raises(SourceError, match=name):
        look(tmp_path / name)


def failing(monkeypatch, name, number):
    """Let the listing of a folder of that name fail."""
    scandir = os.scandir

    def listing(path):
        if Path(path).name == name:
            raise OSError(number, os.strerror(number), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listing)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EACCES, "unreadable-folder"),
        (errno.EPERM, "unreadable-folder"),
        (errno.ENOENT, "vanished"),
        (errno.ENOTDIR, "vanished"),
    ],
)
def test_a_folder_that_cannot_be_looked_into_is_told(root, monkeypatch, number, fault):
    """Everything else is found, and the walk says which folder it is."""
    media.png(root / "locked/inner/b.png")
    failing(monkeypatch, "locked", number)
    walked = walk(Source("media", str(root)), CrawlSpec())

    assert walked.hidden == ("locked",)
    assert reasons(read(walked, LimitsSpec(), {})) == {"locked": fault}
    assert len(look(root).files) == 2
    assert reasons(look(root, CrawlSpec(exclude=("locked",)))) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read whatever it likes")
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100])
def test_permissions_of_a_folder_are_told(root, mode):
    """One that may be listed and not entered, or the other way round, hides its files, too."""
    media.png(root / "locked/b.png")
    (root / "locked").chmod(mode)
    try:
        assert reasons(look(root)) == {"locked": "unreadable-folder"}
    finally:
        (root / "locked").chmod(0o755)


def test_a_root_that_cannot_be_looked_into_is_a_source_error(root, monkeypatch):
    """Nothing of it is known: it must not look like deleted files."""
    failing(monkeypatch, "root", errno.EACCES)

    with pytest.raises(SourceError, match="root"):
        look(root)


def test_a_root_of_nothing_but_faults_is_a_source_error(tmp_path):
    """What is left of a disk that is not mounted may be a link."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link.png").symlink_to("/nowhere")

    with pytest.raises(SourceError, match="no file there"):
        look(tmp_path / "root")


def test_a_folder_that_fails_half_way_is_a_source_error(root, monkeypatch):
    """Half a listing must not look like deleted files."""
    failing(monkeypatch, "photos", errno.EIO)

    with pytest.raises(SourceError, match="photos"):
        look(root)


@pytest.mark.parametrize(
    ("before", "after"), [("/nowhere", "/etc"), ("photos", "photos/猫.png"), ("x", "photos")]
)
def test_a_link_that_leads_elsewhere_changes_the_stamp(root, before, after):
    """Whether nothing changed is told without reading: by what each link is."""
    source, link = Source("media", str(root)), root / "link"
    link.symlink_to(before)
    first = walk(source, CrawlSpec()).stamp()
    link.unlink()
    link.symlink_to(after)

    assert walk(source, CrawlSpec()).stamp() != first


def test_a_pipe_that_is_written_to_changes_no_stamp(root):
    """Its time says nothing of the media."""
    os.mkfifo(root / "pipe.png")
    first = walk(Source("media", str(root)), CrawlSpec())
    os.utime(root / "pipe.png")
    second = walk(Source("media", str(root)), CrawlSpec())

    assert first.stamp() == second.stamp()
    assert first.newest_ns == second.newest_ns


def test_a_path_that_the_system_cannot_open_is_told(root, monkeypatch):
    """Longer than any call takes (4096 bytes on Linux): one row, and the others are found."""
    monkeypatch.chdir(root)
    for _ in range(20):
        Path("n" * 250).mkdir()
        os.chdir("n" * 250)

    found = look(root)
    assert list(reasons(found).values()) == ["path-too-long"]
    assert len(found.files) == 2
    assert reasons(look(root, CrawlSpec(exclude=("nnn*",)))) == {}
    os.chdir(root)
    shutil.rmtree(root / ("n" * 250))  # while we know how


def test_a_file_url_is_a_local_folder(root):
    """Its files are opened as those of a path."""
    found = crawl(Source("media", root.as_uri()), CrawlSpec(), LimitsSpec(), {})

    assert found.files == look(root).files


def test_nothing_is_written_into_the_root(root):
    """A crawl leaves the root as it was."""
    before = sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*"))
    look(root)

    assert sorted((p, p.stat().st_mtime_ns) for p in root.rglob("*")) == before
