"""What a run hashes, decodes and encodes when files have changed, counted one by one."""

from __future__ import annotations

import os
import shutil

import pytest

from mmcore.search.searcher import Searcher
from mmcore.specs import CrawlSpec, SegmentationSpec
from mmcore.types import Query
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.names import Names
from tests import media
from tests.flows.changes.counted import OLD, Work, forget, put


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
