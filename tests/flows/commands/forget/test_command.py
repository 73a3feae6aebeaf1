"""`mmindex forget`, from the command line to the bytes of the lake."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from flows import maintain
from flows.config.maintain import MaintainConfig
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.places.atomic import write_bytes
from storage.places.place import local_copy, place_of
from storage.published import current, published
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests import media
from tests.forgetting import CAT, CHINESE, all_findings, keys_of, make_history, settle


def test_an_item_leaves_every_kept_snapshot(lake, forget):
    """All its rows go; the snapshots keep their numbers, and each is sound."""
    code, out, err = forget("media/trips/cat.png", "--json")

    told = json.loads(out)
    assert (code, err, told["status"], told["proof"]["left"]) == (0, "", "erased", {})
    assert [item["key"] for item in told["items"]] == ["trips/cat"]
    assert published(lake) == told["reissued"] == [1, 2, 3]
    assert current(lake) == 3
    for number in (1, 2, 3):
        assert keys_of(lake, number) & {"trips/cat", "twin"} == {"twin"}
        assert Snapshot.open(lake, number).manifest.reissued_at is not None
    assert all_findings(lake) == []


def test_nothing_of_it_is_left_in_any_byte(lake, forget):
    """Neither its path nor its own caption stands in any file, compressed columns aside."""
    forget("media/trips/cat.png")

    everything = b"".join(p.read_bytes() for p in lake.root.rglob("*") if p.is_file())
    for name in CAT:
        assert name.encode() not in everything
    assert CHINESE.encode() not in everything


def test_a_run_over_unchanged_media_publishes_nothing(lake, folder, forget, index):
    """What was forgotten is left out, and that is no change."""
    forget("media/trips/cat.png")

    result = index(folder, lake.root)

    assert (result.status, result.snapshot, result.forgotten) == ("unchanged", 3, 4)


def test_a_full_look_at_unchanged_media_publishes_nothing(lake, folder, forget, index):
    """An erasure leaves the files that the next run would write."""
    forget("media/trips/cat.png")

    result = index(folder, lake.root, crawl={"hash_all": True})

    assert (result.status, result.snapshot, result.forgotten) == ("unchanged", 3, 4)


def test_a_moved_copy_is_left_out_and_a_new_content_is_not(lake, folder, forget, index):
    """The crawl knows a forgotten content wherever it lies, and forgets nothing else."""
    forget("media/trips/cat.png")
    (folder / CAT[0]).rename(folder / "renamed.png")
    (folder / "copy.txt").write_bytes((folder / CAT[2]).read_bytes())
    (folder / CAT[1]).write_text("Another caption altogether.")

    result = index(folder, lake.root)

    rows = Snapshot.open(lake).rows("files")
    assert result.forgotten == 4  # the picture, the Chinese text twice, the sound
    assert set(rows["path"].to_pylist()) & {"renamed.png", "copy.txt", *CAT} == {CAT[1]}


def test_content_that_others_have_stays_unless_it_is_asked_for(lake, folder, forget, index):
    """With --content the twin loses the caption, keeps its picture, and is fused anew."""
    code, out, _ = forget("media/trips/cat.png", "--content", "--json")

    told, serving = json.loads(out), Snapshot.open(lake)
    assert code == 0
    assert (told["contents"], told["contents_that_stay"]) == (4, 0)
    assert [item["key"] for item in told["shared_with"]] == ["twin"]
    assert "twin.txt" not in serving.rows("files")["path"].to_pylist()
    assert keys_of(lake, 3) >= {"twin"}
    assert all_findings(lake) == []
    assert index(folder, lake.root, crawl={"hash_all": True}).status == "unchanged"


def test_a_dry_run_writes_nothing(lake, forget):
    """It says what would go, and every byte stays."""
    before = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}

    code, out, _ = forget("media/trips/cat.png", "--dry-run")

    assert code == 0
    assert "dry run: would forget 1 item, 4 files, 3 contents" in out
    assert {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()} == before


def test_what_is_left_is_told_with_an_exit_code_of_its_own(lake, forget):
    """A note of somebody's in the lake's folder names the file: it is listed."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")

    code, out, err = forget("media/trips/cat.png")

    assert code == 8
    assert "1 file with some of them" in out
    assert "still in notes.txt (path)" in err
    assert "trips/cat" not in keys_of(lake, 3)


def test_what_a_query_finds_is_never_erased_unasked(lake, forget):
    """Without a terminal it takes --yes, and -k says how many go."""
    code, _, err = forget("--query", "tabby cat", "-k", "1")
    assert code == 2
    assert "--yes" in err

    code, out, _ = forget("--query", "tabby cat", "-k", "1", "--yes", "--json")
    assert code == 0
    assert len(json.loads(out)["items"]) == 1


@pytest.mark.parametrize("name", ["trips/cat.png", "media/gone.png", "/elsewhere/cat.png"])
def test_a_name_that_nothing_has_is_an_error(lake, forget, name):
    """It says what was looked for and what the roots are called."""
    code, _, err = forget(name)

    assert code == 2
    assert name in err
    assert "the roots are media" in err


def test_a_path_on_disk_may_be_of_a_file_that_is_gone(lake, folder, forget):
    """The lake still has it, so it can be forgotten."""
    (folder / CAT[0]).unlink()

    assert forget(folder / CAT[0])[0] == 0
    assert "trips/cat" not in keys_of(lake, 1)


def test_an_item_may_be_named(lake, forget):
    """ROOT/KEY names it without a file."""
    assert forget("--item", "media/trips/cat")[0] == 0
    assert "trips/cat" not in keys_of(lake, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"storage": {"dtype": "float16", "compression": "zstd"}},
        {"storage": {"compression": "zstd"}},
        {"private": True},
    ],
    ids=["float16", "zstd", "private"],
)
def test_lakes_of_all_settings_can_forget(tmp_path, folder, index, options):
    """Packed vectors are found too, and a private lake knows a path by its hash."""
    lake = make_history(folder, tmp_path / "lake", index, **options)
    before = Snapshot.open(lake).rows("items").num_rows

    choice = choose(lake, [str(folder / CAT[0])], (), content=False)
    with writer_lock(lake):
        lake_key(lake)
        choice = choose(lake, [str(folder / CAT[0])], (), content=False)
        done = erase.erase(lake, choice.selection.order)

    assert done.proof.left == {}
    assert Snapshot.open(lake).rows("items").num_rows == before - 1
    assert all_findings(lake) == []
    result = index(folder, lake.root, crawl={"hash_all": True}, **options)
    assert (result.status, result.forgotten) == ("unchanged", 4)


def test_a_file_of_several_items_takes_them_all_once_that_is_confirmed(
    tmp_path, folder, index, forget, lake
):
    """A manifest lets one file serve several items: they are listed, and one can be named."""
    media.text(
        folder / "manifest.csv",
        "path,item,caption\ntrips/cat.png,one,The first of the two.\n"
        "trips/cat.png,two,The second of the two.\n",
    )
    settle(folder)
    index(folder, lake.root)

    code, _, err = forget("media/trips/cat.png")
    assert code == 2
    assert "media/one" in err
    assert "media/two" in err
    assert "--yes" in err

    assert forget("--item", "media/one")[0] == 0
    assert keys_of(lake, 4) & {"one", "two"} == {"two"}
    assert index(folder, lake.root).status == "unchanged"


def test_a_caption_of_a_manifest_is_left_out_too(folder, index, forget, lake):
    """It is a content as any other, and its manifest lets it in again."""
    media.text(folder / "manifest.csv", "item,caption\nlone,A caption of the manifest only.\n")
    settle(folder)
    index(folder, lake.root)
    assert "lone" in keys_of(lake, 4)

    assert forget("--item", "media/lone")[0] == 0
    assert index(folder, lake.root, crawl={"hash_all": True}).status == "unchanged"

    assert forget("--readmit", "media/manifest.csv")[0] == 0
    index(folder, lake.root)
    assert "lone" in keys_of(lake, current(lake))


def test_a_folder_and_a_manifest_are_no_files(folder, index, forget, lake):
    """The error says what to name in their place."""
    media.text(folder / "manifest.csv", "item,caption\nlone,A caption of the manifest only.\n")
    settle(folder)
    index(folder, lake.root)

    code, _, err = forget("media/trips")
    assert code == 2
    assert "media/trips is a folder: name its files" in err
    assert "media/trips/cat.png" in err
    assert "media/manifest.csv#" in forget(folder / "manifest.csv")[2]


def test_what_dropped_snapshots_left_can_be_cleared(lake, folder, index, forget):
    """No name leads to it, so the error says how; afterwards no part has a dead row."""
    settings = {"lake": str(lake.root), "keep": 1, "grace_days": 0.0, "dead_share": 0.0}
    maintain.maintain.fn(MaintainConfig(**settings))  # one part with all captions
    media.text(folder / "owl.txt", "An owl that woke up.")
    index(folder, lake.root)

    result = maintain.maintain.fn(MaintainConfig(**settings, part_bytes=1))  # none is small

    assert (result.kept, result.compacted.parts_before) == ((6,), 1)
    parts = [pq.ParquetFile(path).read() for path in lake.root.rglob("part-*.parquet")]
    texts = {t for part in parts if "text" in part.column_names for t in part["text"].to_pylist()}
    assert not texts & {"An owl.", "A sleeping owl."}
    assert "An owl that woke up." in texts
    assert all_findings(lake) == []
    err = forget("media/gone.png")[2]
    assert "docs/operations.md (Erasure)" in err


def test_a_refused_file_can_be_forgotten(folder, index, forget, lake):
    """It has no item; its row of the quarantine goes, and none comes again."""
    (folder / "secret-notes.bin").write_bytes(b"\0\1\2 nothing that is media")
    settle(folder)
    index(folder, lake.root)
    assert Snapshot.open(lake).rows("quarantine").num_rows == 1

    assert forget("media/secret-notes.bin")[0] == 0
    result = index(folder, lake.root, crawl={"hash_all": True})

    assert (result.status, result.forgotten) == ("unchanged", 1)
    assert Snapshot.open(lake).rows("quarantine").num_rows == 0


def test_everything_can_be_forgotten(folder, index, forget, lake):
    """What is left is an empty lake, and the folder, all of it forgotten, is no change."""
    names = sorted(keys_of(lake, 1) | keys_of(lake, 3))

    assert forget(*[part for name in names for part in ("--item", f"media/{name}")])[0] == 0

    assert keys_of(lake, 3) == set()
    assert all_findings(lake) == []
    assert index(folder, lake.root).status == "unchanged"


@pytest.mark.slow
def test_a_lake_in_a_store_can_forget(s3, tmp_path, folder, index, monkeypatch):
    """The same on an object store: parts, snapshots, proof, and no copy stays in the cache."""
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))
    make_history(folder, tmp_path / "lake", index)
    layout = Layout(place_of(s3.bucket()))
    for path in sorted(p for p in (tmp_path / "lake").rglob("*") if p.is_file()):
        if path.name != "LOCK":
            name = path.relative_to(tmp_path / "lake").as_posix()
            write_bytes(layout.root / name, path.read_bytes())

    local_copy(layout.root / Snapshot.open(layout).manifest.files[0].path)
    copies = tmp_path / "cache" / "files"
    assert any(copies.iterdir())
    with writer_lock(layout):
        lake_key(layout)
        choice = choose(layout, ["media/trips/cat.png"], (), content=False)
        done = erase.erase(layout, choice.selection.order)

    assert done.proof.left == {}
    assert done.proof.files > 30
    assert not any(copies.iterdir())
    assert done.reissued == (1, 2, 3)
    assert "trips/cat" not in keys_of(layout, 1)
    assert all_findings(layout) == []


@pytest.mark.slow
def test_forgetting_needs_no_orchestrator():
    """The command is a plain call: it loads neither Prefect nor a model."""
    told = (
        "import sys, flows.commands.forget.command\n"
        "sys.exit('prefect' in sys.modules or 'torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0
