"""What a run hashes, decodes and encodes when files have changed, counted one by one."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from mmcore.embedding import here
from mmcore.errors import SourceError, UntoldError
from mmcore.media import crawl, shaping
from mmcore.search.searcher import Searcher
from mmcore.specs import CrawlSpec, SegmentationSpec
from mmcore.types import Query
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot, current
from tasks.names import Names
from tests import crashes, media

OLD = 1_600_000_000  # seconds: long before any run


@dataclass
class Work:
    """What a run did: files hashed, contents decoded and vectors made, by modality."""

    hashed: list[str] = field(default_factory=list)
    decoded: Counter[str] = field(default_factory=Counter)
    encoded: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def work(monkeypatch) -> Work:
    """Counts from now on."""
    work = Work()
    reads, cuts, embeds = crawl._read, shaping.cut, here.embed_prepared

    def reading(looking, entry):
        work.hashed.append(entry.path)
        return reads(looking, entry)

    def cutting(content, encoder, *rest):
        work.decoded[encoder.key.modality] += 1
        return cuts(content, encoder, *rest)

    def embedding(ready, *rest):
        work.encoded[ready.shard.encoder.modality] += ready.count
        return embeds(ready, *rest)

    monkeypatch.setattr(crawl, "_read", reading)
    monkeypatch.setattr(shaping, "cut", cutting)
    monkeypatch.setattr(here, "embed_prepared", embedding)
    return work


@pytest.fixture
def versions() -> dict[Modality, int]:
    """Versions of the encoders; may be changed between runs."""
    return {}


@pytest.fixture
def index(monkeypatch, versions):
    """The flow index-media as a plain function, over encoders that hash."""
    logging.disable(logging.INFO)
    yield crashes.plain_index(monkeypatch, versions)
    logging.disable(logging.NOTSET)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures with captions, one also in Chinese, and a text of two chunks."""
    folder = tmp_path / "照片"
    for name in ("red", "green", "blue"):
        media.png(folder / f"{name}.png", Image.new("RGB", (8, 8), name))
        media.text(folder / f"{name}.txt", f"A plain {name} picture.")
    media.text(folder / "red.zh.txt", "一张红色的图片。", "gb18030")
    media.text(folder / "notes/long.txt", "A sentence that is thirty long. " * 20)
    age(folder)
    return folder


@pytest.fixture
def lake(folder, tmp_path, index, work) -> Path:
    """The folder's lake after one run; counting begins anew."""
    index(folder, tmp_path / "lake")
    forget(work)
    return tmp_path / "lake"


def age(folder):
    """Make all files old enough for their times to be trusted."""
    for file in folder.rglob("*"):
        os.utime(file, (OLD, OLD))


def forget(work):
    """Count from nothing."""
    work.hashed.clear()
    work.decoded.clear()
    work.encoded.clear()


def put(path, words):
    """Write an old text."""
    media.text(path, words)
    os.utime(path, (OLD + 1, OLD + 1))


def move(one, other):
    """Rename a file, into a folder that need not be there."""
    other.parent.mkdir(exist_ok=True)
    one.rename(other)


CHANGES = {
    "nothing": (lambda _: None, [], {}),
    "a new text": (lambda f: put(f / "new.txt", "News."), ["new.txt"], {"text": 1}),
    "an edited caption": (lambda f: put(f / "red.txt", "Crimson."), ["red.txt"], {"text": 1}),
    "a moved file": (
        lambda f: move(f / "red.png", f / "moved/red.png"),
        ["moved/red.png"],
        {},
    ),
    "a copied file": (lambda f: shutil.copy2(f / "red.png", f / "two.png"), ["two.png"], {}),
    "a file renamed into another stem": (
        lambda f: move(f / "red.txt", f / "green.en.txt"),
        ["green.en.txt"],
        {},
    ),
    "a touched file": (lambda f: os.utime(f / "red.png", (OLD + 1, OLD + 1)), ["red.png"], {}),
    "a deleted file": (lambda f: (f / "red.png").unlink(), [], {}),
    "a file that came back as another": (
        lambda f: shutil.copy(f / "blue.png", f / "red.png"),
        ["red.png"],
        {},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_the_least_work(folder, lake, index, work, change):
    """Only what is new under its name is hashed; only what is a new content decoded, encoded."""
    make, hashed, contents = CHANGES[change]
    make(folder)
    result = index(folder, lake)

    assert result.status == ("unchanged" if change == "nothing" else "published")
    assert sorted(work.hashed) == hashed
    assert work.decoded == work.encoded == contents

    for file in folder.rglob("*.png"):  # a copy is young: let the next run trust it
        os.utime(file, (OLD, OLD))
    index(folder, lake)
    forget(work)

    assert index(folder, lake).status == "unchanged"
    assert work == Work()


def test_another_grouping_reads_and_embeds_nothing(folder, lake, index, work):
    """Items are other ones, contents and their vectors stay."""
    result = index(folder, lake, crawl=CrawlSpec(grouping="folder"))

    keys = set(Snapshot.open(Layout(lake)).rows("items")["key"].to_pylist())

    assert result.status == "published"
    assert keys == {"red", "green", "blue", "notes"}
    assert work == Work()


def test_a_manifest_regroups_and_its_captions_are_texts(folder, lake, index, work):
    """A manifest is no medium: what it names is regrouped unread, a caption is one text."""
    rows = ["path,item,caption", "red.png,pair,", "blue.png,pair,Two pictures."]
    put(folder / "manifest.csv", "\n".join(rows))
    index(folder, lake)
    assert (work.hashed, work.encoded) == ([], {"text": 1})

    put(folder / "manifest.csv", "\n".join(rows).replace("Two", "Both"))
    os.utime(folder / "manifest.csv", (OLD + 2, OLD + 2))
    index(folder, lake)
    assert (work.hashed, work.encoded) == ([], {"text": 2})

    (folder / "manifest.csv").unlink()
    assert index(folder, lake).status == "published"
    assert (work.hashed, work.decoded) == ([], {"text": 2})


@pytest.mark.parametrize("encoded", [{Modality.IMAGE: 3}, {Modality.TEXT: 6}])
def test_a_new_model_re_embeds_its_modality_alone(folder, lake, index, work, versions, encoded):
    """The vectors of the other modality are those that are there; no file is hashed."""
    versions |= dict.fromkeys(encoded, 2)

    assert index(folder, lake).status == "published"
    assert work.encoded == encoded
    assert work.hashed == []


def test_another_segmentation_re_embeds_its_modality_alone(folder, lake, index, work):
    """Shorter chunks make more of the long text; no picture is decoded, no file hashed."""
    result = index(folder, lake, segmentation=SegmentationSpec(text_chars=200))

    assert result.status == "published"
    assert (work.hashed, work.decoded) == ([], {"text": 5})
    assert set(work.encoded) == {"text"}
    assert work.encoded["text"] > 6


def test_all_files_are_hashed_when_asked(folder, lake, index, work):
    """A change that size and time hide is found, and its content alone is embedded."""
    (folder / "red.txt").write_text("A plain mad picture.")
    os.utime(folder / "red.txt", (OLD, OLD))

    assert index(folder, lake).status == "unchanged"
    assert work.hashed == []
    assert index(folder, lake, crawl=CrawlSpec(hash_all=True)).status == "published"
    assert len(work.hashed) == 8
    assert work.encoded == {"text": 1}


def test_a_racily_young_file_is_hashed_again(folder, lake, index, work):
    """One that was written just before a run may have changed since, within the same tick."""
    path = media.text(folder / "red.txt", "A plain mad picture.")
    stamp = path.stat().st_mtime_ns
    index(folder, lake)
    forget(work)
    path.write_text("A plain bad picture.")
    os.utime(path, ns=(stamp, stamp))

    assert index(folder, lake).status == "published"
    assert work.hashed == ["red.txt"]
    assert work.encoded == {"text": 1}


def two_roots(folder, lake):
    """Options that name a second root, a large one, beside the folder."""
    other = folder.parent / "other"
    for number in range(20):
        put(other / f"{number}.txt", f"Number {number}.")
    return {"media": (str(folder), str(other))}


def empty(folder):
    """An unmounted root is an empty folder."""
    shutil.rmtree(folder)
    folder.mkdir()


def stray(folder):
    """Some file lies in the folder below the mount point."""
    empty(folder)
    put(folder / "stray.txt", "Left here before the disk was mounted.")


LOSSES = {
    "gone": (shutil.rmtree, "not a folder"),
    "empty": (empty, "no file there"),
    "strays": (stray, "7 of 7 published contents of the root '照片'"),
}


@pytest.mark.parametrize("roots", [1, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_root_deletes_nothing(folder, tmp_path, index, loss, roots):
    """Whether it is the only root or the small one of two: the run stops, the lake stays."""
    lake = tmp_path / "lake"
    options = two_roots(folder, lake) if roots > 1 else {}
    (folder / "notes/long.txt").unlink()
    index(folder, lake, **options)
    before = Snapshot.open(Layout(lake))
    make, told = LOSSES[loss]
    make(folder)

    with pytest.raises(SourceError, match=told):
        index(folder, lake, **options)
    assert Snapshot.open(Layout(lake)).manifest == before.manifest


def test_half_a_listing_deletes_nothing(folder, lake, index, monkeypatch):
    """A folder that cannot be listed is an error, however few files it has."""
    scandir = os.scandir

    def broken(path):
        if path == folder / "notes":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", broken)

    with pytest.raises(SourceError, match=r"Input/output error.*notes"):
        index(folder, lake)
    assert current(Layout(lake)) == 1


def test_edited_files_are_not_deleted_ones(folder, lake, index):
    """All captions edited at once are no loss: a file is there for each."""
    for path in folder.rglob("*"):
        if path.suffix == ".txt":
            put(path, f"{path.stem} was edited.")
        elif path.suffix == ".png":
            media.png(path, media.noise(seed=hash(path.name) % 100))

    assert index(folder, lake).status == "published"


def test_as_much_may_go_as_is_accepted(folder, lake, index):
    """Four of eight contents are half; a fifth is more."""
    for name in ("red.png", "red.txt", "red.zh.txt", "green.png"):
        (folder / name).unlink()
    assert index(folder, lake, max_deleted_fraction=0.5).status == "published"

    (folder / "green.txt").unlink()
    with pytest.raises(SourceError, match="1 of 4"):
        index(folder, lake, max_deleted_fraction=0.2)


@pytest.fixture
def mounted(folder, tmp_path, index, monkeypatch) -> Path:
    """The lake of a folder that was a mount point, and is none any more."""
    ismount = os.path.ismount
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: path == str(folder) or ismount(path))
        index(folder, tmp_path / "lake")
    return tmp_path / "lake"


def test_a_lost_mount_stops_a_run_that_would_delete(folder, mounted, index):
    """A disk that is not mounted took one file with it: nothing may go, unless all may."""
    (folder / "red.png").unlink()

    with pytest.raises(SourceError, match="not mounted as it was, and 1 of 8"):
        index(folder, mounted)
    assert index(folder, mounted, max_deleted_fraction=1.0).status == "published"


def test_a_lost_mount_with_all_its_files_is_no_loss(folder, mounted, index):
    """A copy of the disk in its place: an edit takes nothing away, and from now on it is local."""
    put(folder / "red.txt", "An edit takes nothing away.")
    assert index(folder, mounted).status == "published"

    (folder / "red.png").unlink()
    assert index(folder, mounted).status == "published"


@pytest.mark.parametrize("private", [False, True])
def test_a_run_over_unchanged_files_notes_that_their_folder_became_a_mount(
    folder, tmp_path, index, work, monkeypatch, private
):
    """A new snapshot says so, with the same scores, so that a later loss of the mount is seen."""
    lake, ismount = tmp_path / "lake", os.path.ismount
    index(folder, lake, private=private)
    scored = Snapshot.open(Layout(lake)).manifest.evaluation
    forget(work)
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "ismount", lambda path: path == str(folder) or ismount(path))
        result = index(folder, lake, private=private)
        assert index(folder, lake, private=private).status == "unchanged"

    told = Snapshot.open(Layout(lake)).manifest
    assert (result.status, result.snapshot, work) == ("published", 2, Work())
    assert told.evaluation == scored.model_copy(update={"report": 1})
    (folder / "red.png").unlink()
    with pytest.raises((SourceError, UntoldError)) as stopped:
        index(folder, lake, private=private)
    assert "not mounted as it was" in getattr(stopped.value, "told", str(stopped.value))


def test_a_root_that_moved_is_found_and_compared_where_it_lies_now(folder, lake, index, work):
    """The run hashes and embeds nothing, and names the new place; then `forget` finds it there."""
    there = folder.rename(folder.parent / "moved")
    named = {"media": (f"照片={there}",)}
    result = index(there, lake, **named)

    told = Snapshot.open(Layout(lake)).manifest
    assert (result.status, work) == ("published", Work())
    assert told.sources == {"照片": str(there)}
    assert ("照片", "red.png") in Names.of(Layout(lake), [told]).places(str(there / "red.png"))
    assert index(there, lake, **named).status == "unchanged"


def test_an_excluded_mount_is_not_a_lost_one(folder, tmp_path, index, monkeypatch):
    """What is mounted below a root, and left out from now on, goes as any excluded folder."""
    lake, ismount, notes = tmp_path / "lake", os.path.ismount, str(folder / "notes")
    index(folder, lake)
    manifest = Snapshot.open(Layout(lake)).manifest
    mounts = {folder.name: [*manifest.mounts[folder.name], notes]}
    path = Layout(lake).snapshot(1) / "manifest.json"
    path.write_bytes(manifest.model_copy(update={"mounts": mounts}).to_json())
    left_out = CrawlSpec(exclude=("notes",))

    with pytest.raises(SourceError, match="notes is not mounted"):
        index(folder, lake, crawl=left_out)
    monkeypatch.setattr(os.path, "ismount", lambda path: path == notes or ismount(path))
    assert index(folder, lake, crawl=left_out).status == "published"


def test_names_that_would_look_alike_are_two_files(folder, index, tmp_path):
    """A byte that is no UTF-8 stands as its escape; a name that has the escape is another one."""
    put(folder / os.fsdecode(b"caf\xe9.txt"), "The one with the byte.")
    put(folder / r"caf\xe9.txt", "The one with the escape.")
    lake = Layout(tmp_path / "lake")
    index(folder, lake.root)

    snapshot = Snapshot.open(lake)
    rows = snapshot.rows("files").to_pylist()
    found = {row["path"]: row["path_bytes"] for row in rows if row["path"].startswith("caf")}
    keys = {row["key"] for row in snapshot.rows("items").to_pylist()}
    names = Names.of(lake, [snapshot.manifest])
    assert found == {r"caf\xe9.txt": b"caf\xe9.txt", r"caf\\xe9.txt": rb"caf\xe9.txt"}
    assert keys >= {r"caf\xe9", r"caf\\xe9"}
    for path in found:
        assert names.places(f"照片/{path}") == {("照片", path)}
        assert names.keys(f"照片/{path[:-4]}") == {("照片", path[:-4])}
    assert names.files(r"照片/caf\xe9.txt")[-1] == folder / os.fsdecode(b"caf\xe9.txt")
    assert index(folder, lake.root).status == "unchanged"


NAMES = [
    "照片 🐸/日记.txt",
    "n" * 251 + ".txt",
    "/".join(["深" * 80] * 6) + "/deep.txt",
    os.fsdecode(b"caf\xe9/na\xefve \xff.txt"),
]


@pytest.mark.parametrize("name", NAMES, ids=["emoji", "long-name", "long-path", "bytes"])
def test_a_path_is_kept_from_the_folder_to_the_hit(folder, index, tmp_path, name):
    """Of any script, length or charset: a hit names it, and ``files`` has its bytes."""
    put(folder / name, "The one that is looked for.")
    index(folder, tmp_path / "lake")
    searcher = Searcher.open(tmp_path / "lake")
    (hit,) = searcher.search(Query("The one that is looked for.", modality=Modality.TEXT, k=1))
    rows = searcher.snapshot.rows("files").to_pylist()
    (row,) = [row for row in rows if row["path"] == hit.path]
    raw = row["path_bytes"] or row["path"].encode()

    assert raw == os.fsencode(name)
    assert (folder / os.fsdecode(raw)).read_text() == "The one that is looked for."
    assert index(folder, tmp_path / "lake").status == "unchanged"
