"""`mmindex forget`, from the command line to the bytes of the lake."""

import json
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from string import Formatter
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

from flows import cli, maintain
from flows.commands.forget.command import Manner, Wanted, run_forget, run_readmit
from flows.commands.forget.words import WORDS
from flows.commands.index import show
from flows.commands.index.command import run_status
from flows.config.maintain import MaintainConfig
from storage.errors import KeyLostError
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.places.atomic import write_bytes
from storage.places.place import local_copy, place_of
from storage.snapshot import Snapshot, current, published
from storage.thumbnails import thumbnails
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests import media
from tests.forgetting import CAT, CHINESE, all_findings, indexer, make_history, settle


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` as a plain call."""
    return indexer(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """The root `media`."""
    return tmp_path / "media"


@pytest.fixture
def lake(tmp_path, folder, index):
    """Three snapshots; `cat` is to be forgotten, and has its English caption with `twin`."""
    return make_history(folder, tmp_path / "lake", index)


@pytest.fixture
def forget(monkeypatch, capsys, lake):
    """Run `mmindex forget …`: exit code and what it printed."""

    def forget(*arguments):
        told = ["mmindex", "forget", *map(str, arguments), "--lake", str(lake.root)]
        monkeypatch.setattr(sys, "argv", told)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code, *capsys.readouterr())

    return forget


def keys_of(layout: Layout, number: int) -> set[str]:
    """The keys of a snapshot's items."""
    return set(Snapshot.open(layout, number).rows("items")["key"].to_pylist())


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


def test_what_is_let_in_again_is_indexed_again(lake, folder, forget, index):
    """Lifting tombstones makes the unchanged folder new: the item comes back as it was."""
    before = keys_of(lake, 3)
    forget("media/trips/cat.png")

    code, out, _ = forget("--readmit", folder / "trips")
    result = index(folder, lake.root)

    assert code == 0
    assert "lifted 4" in out
    assert (result.status, result.forgotten) == ("published", 0)
    assert keys_of(lake, 4) == before


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


@pytest.mark.parametrize("call", ["forget", "readmit", "index", "maintain", "dry run"])
def test_a_lost_key_stops_every_writer(lake, folder, index, forget, call):
    """A new one would let what was forgotten in again, so nothing is made and nothing changed."""
    forget("media/trips/cat.png")
    lake.key.unlink()

    root, grey = str(lake.root), Wanted(paths=("media/grey.png",))
    calls = {
        "forget": lambda: run_forget(root, grey, Manner()),
        "dry run": lambda: run_forget(root, grey, Manner(dry_run=True)),
        "readmit": lambda: run_readmit(root, Wanted(paths=(str(folder / CAT[0]),)), Manner()),
        "index": lambda: index(folder, lake.root),  # which is unchanged
        "maintain": lambda: maintain.maintain.fn(MaintainConfig(lake=root)),
    }

    with pytest.raises(KeyLostError, match="restore it from a copy"):
        calls[call]()
    assert not lake.key.exists()
    assert keys_of(lake, 3) >= {"grey"}


def test_a_private_lake_without_its_key_forgets_nothing(tmp_path, folder, index):
    """No name could be looked up: it asks for the key, not for another name."""
    lake = make_history(folder, tmp_path / "hidden", index, private=True)
    lake.key.unlink()

    with pytest.raises(KeyLostError, match="KEY: is missing"):
        run_forget(str(lake.root), Wanted(paths=(str(folder / CAT[0]),)), Manner())


def test_a_failed_proof_is_made_again_until_it_is_clean(lake, forget):
    """By the same command, though the lake has no such file any more, and without a name."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    assert forget("media/trips/cat.png")[0] == 8

    code, out, err = forget("media/trips/cat.png")
    assert code == 8
    assert "something of it is left" in out
    assert "notes.txt (path)" in err

    (lake.root / "notes.txt").unlink()
    code, out, _ = forget("--json")
    told = json.loads(out)
    assert (code, told["status"], told["proof"]["left"]) == (0, "ended", {})
    assert (told["reissued"], [m["model"] for m in told["models"]]) == (
        [1, 2, 3],
        ["projection/p1"],
    )
    assert forget()[0] == 2


def test_a_failed_proof_is_not_swallowed_by_what_comes_next(lake, forget):
    """Both are told, and what is left of either fails the command."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    forget("media/trips/cat.png")

    code, out, err = forget("media/grey.png", "--json")

    told = json.loads(out)
    assert (code, told["status"]) == (8, "erased")
    assert told["ended"]["proof"]["left"] == told["proof"]["left"] == {"notes.txt": ["path"]}
    assert "notes.txt (path)" in err
    assert "grey" not in keys_of(lake, 3)


@pytest.mark.parametrize("clean", [True, False])
def test_whoever_comes_next_says_what_became_of_an_erasure(lake, folder, index, forget, clean):
    """A run and maintain carry it in their results, and show it; status says that it waits."""
    (lake.root / "notes.txt").write_text(f"look at {CAT[0]}")
    forget("media/trips/cat.png")
    told = status(lake)
    assert told["erasure_interrupted"]
    if clean:
        (lake.root / "notes.txt").unlink()

    result = index(folder, lake.root)
    again = maintain.maintain.fn(MaintainConfig(lake=str(lake.root), compact=False))

    assert result.status == "unchanged"
    assert result.erasure.ended is clean
    assert result.erasure.left == ({} if clean else {"notes.txt": ("path",)})
    assert result.erasure.reissued == (1, 2, 3)
    assert again.erasure == (None if clean else result.erasure)
    assert ("NOT ENDED" in shown(result)) is not clean
    assert status(lake)["erasure_interrupted"] is not clean


def status(lake):
    """`mmindex status --json`."""
    with redirect_stdout(StringIO()) as out:
        run_status(str(lake.root), as_json=True)
    return json.loads(out.getvalue())


def shown(result):
    """What a terminal shows of a run."""
    out = Console(file=StringIO(), width=200)
    show.indexed(out, result)
    return out.file.getvalue()


def test_a_rehearsal_of_letting_in_lifts_nothing(lake, folder, index, forget):
    """It says how many tombstones would go."""
    forget("media/trips/cat.png")
    before = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}

    code, out, _ = forget("--readmit", folder / "trips", "--dry-run")

    assert (code, "would lift 4 tombstones" in out) == (0, True)
    assert {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("option", [("--query", "cat"), ("--content",), ("--yes",)])
def test_letting_in_takes_no_option_that_it_would_ignore(lake, folder, forget, option):
    """Each is refused by name."""
    code, _, err = forget("--readmit", folder / CAT[0], *option)

    assert code == 2
    assert option[0] in err


def test_letting_in_one_file_says_that_others_stay_out(lake, folder, forget):
    """One path took an item of four files: each has a tombstone."""
    forget("media/trips/cat.png")

    code, out, _ = forget("--readmit", folder / CAT[0])

    assert code == 0
    assert "lifted 1 tombstone:" in out
    assert "3 tombstones stay" in out
    assert "forgotten, name them" in forget("--readmit", "--item", "media/trips/cat")[2]


def test_what_stays_for_others_is_said_to_come_back_elsewhere(lake, forget):
    """A tombstone of a place keeps that place out alone: --content does more."""
    out = forget("media/trips/cat.png", "--dry-run")[1]

    assert "kept out only where the forgotten item had it" in out
    assert "--content takes it from them as well, and keeps it out" in out


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


def test_a_mistyped_name_is_answered_by_those_it_may_mean(lake, forget):
    """A file name alone is not taken; the error says how it is to be named."""
    code, _, err = forget("owl")

    assert code == 2
    assert "did you mean media/owl" in err


def test_on_a_terminal_it_asks(lake, forget, monkeypatch):
    """It shows what goes; without a yes nothing is erased."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("flows.commands.forget.command.sys", SimpleNamespace(stdin=terminal))
    answers = iter([False, True])
    monkeypatch.setattr(
        "flows.commands.forget.command.typer.confirm", lambda *_, **__: next(answers)
    )

    forget("media/trips/cat.png")
    assert "trips/cat" in keys_of(lake, 3)
    forget("media/trips/cat.png")
    assert "trips/cat" not in keys_of(lake, 3)


def test_it_speaks_chinese(lake, folder, forget):
    """What goes, what stays, the proof, and what is let in again, where --lang says so."""
    told = forget("media/trips/cat.png", "--lang", "zh")[1].replace("\n", "")
    again = forget("--readmit", folder / CAT[0], "--lang", "zh")[1].replace("\n", "")

    assert "已遗忘 1 个条目、4 个文件、3 个内容" in told
    assert "1 个内容，其他条目也有：" in told
    assert "projection/p1 的训练数据含其中 1 个内容、1 条说明" in told
    assert "均未发现" in told
    assert "trips/cat.png" in told
    assert "已解除 1 个遗忘标记" in again
    assert "该文件" in again
    assert "仍有 3 个遗忘标记" in again


def test_the_locale_decides_where_nothing_is_said(lake, forget, monkeypatch):
    """A Chinese one is answered in Chinese; --json does not depend on it."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    assert "演练：将遗忘 1 个条目" in forget("media/trips/cat.png", "--dry-run")[1]
    told = json.loads(forget("media/trips/cat.png", "--dry-run", "--json")[1])
    assert told["status"] == "planned"


def test_a_language_that_is_none_is_refused(lake, forget):
    """Before anything is erased."""
    code, _, err = forget("media/trips/cat.png", "--lang", "fr")

    assert code == 2
    assert "no language 'fr'" in err
    assert "trips/cat" in keys_of(lake, 3)


@pytest.mark.parametrize(("answer", "gone"), [("全部", 2), ("1，2", 2), ("1", 1), ("无", 0)])
def test_a_query_is_confirmed_in_chinese(lake, forget, monkeypatch, answer, gone):
    """By the Chinese word for all, and by numbers between Chinese commas; else nothing goes."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("flows.commands.forget.command.sys", SimpleNamespace(stdin=terminal))
    asked = []
    monkeypatch.setattr(
        "flows.commands.forget.command.typer.prompt",
        lambda text, **_: asked.append(text) or answer,
    )
    before = len(keys_of(lake, 3))

    forget("--query", "tabby cat", "-k", "2", "--lang", "zh")

    assert asked == [WORDS["zh"]["ask-which"]]
    assert before - len(keys_of(lake, 3)) == gone


def test_both_languages_say_the_same():
    """Each text has the same places to fill."""
    english, chinese = WORDS["en"], WORDS["zh"]

    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert fields(text) == fields(chinese[name]), name


def fields(text):
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.fixture
def seen(folder, lake, index):
    """A striped picture that is to be forgotten, and one with other bytes that looks like it."""
    stripes = Image.new("RGB", (200, 100), "white")
    for at, colour in enumerate(("orange", "black", "green", "navy")):
        stripes.paste(colour, (at * 50, 0, at * 50 + 30, 100))
    media.png(folder / "trips" / "secret.png", stripes)
    media.png(folder / "twin-of-it.png", stripes)
    with (folder / "twin-of-it.png").open("ab") as file:
        file.write(b"another file")
    settle(folder)
    index(folder, lake.root)
    ids = Snapshot.open(lake).rows("segments/image")["segment_id"].to_pylist()
    return thumbnails(Snapshot.open(lake), ids)


def thumbnail_of(layout, path):
    """The thumbnail of a file."""
    snapshot = Snapshot.open(layout)
    (content,) = (r["content_id"] for r in snapshot.rows("files").to_pylist() if r["path"] == path)
    rows = snapshot.rows("segments/image").to_pylist()
    (segment,) = {row["segment_id"] for row in rows if row["content_id"] == content}
    return thumbnails(snapshot, [segment])[segment]


def bytes_of(layout):
    """All files of a lake, and all values of its Parquet files, end to end."""
    files = [path for path in layout.root.rglob("*") if path.is_file()]
    values = [
        value
        for path in files
        if path.suffix == ".parquet"
        for column in pq.read_table(path, partitioning=None).columns
        if str(column.type) == "binary"
        for value in column.drop_null().to_pylist()
    ]
    return b"".join([*(path.read_bytes() for path in files), *values])


def test_a_thumbnail_goes_with_its_picture(lake, forget):
    """Its bytes are in no file of the lake afterwards, and those of the others are."""
    gone, stays = thumbnail_of(lake, CAT[0]), thumbnail_of(lake, "twin.png")
    assert gone in bytes_of(lake)

    code, out, _ = forget("media/trips/cat.png", "--json")

    assert (code, json.loads(out)["proof"]["left"]) == (0, {})
    assert gone not in bytes_of(lake)
    assert stays in bytes_of(lake)
    assert thumbnail_of(lake, "twin.png") == stays


def test_a_picture_that_looks_like_another_is_forgotten(lake, forget, seen):
    """Their thumbnails are equal: the other one's stays, and is no trace."""
    equal = thumbnail_of(lake, "trips/secret.png")
    assert equal == thumbnail_of(lake, "twin-of-it.png")

    code, out, _ = forget("media/trips/secret.png", "--json")

    assert (code, json.loads(out)["proof"]["left"]) == (0, {})
    assert list(seen.values()).count(equal) == 2
    snapshot = Snapshot.open(lake)
    left = thumbnails(snapshot, snapshot.rows("segments/image")["segment_id"].to_pylist())
    assert list(left.values()).count(equal) == 1


def test_a_thumbnail_that_was_copied_is_found(lake, forget):
    """Somebody keeps the small picture in the lake: the erasure is not proved."""
    (lake.root / "notes.bin").write_bytes(b"see " + thumbnail_of(lake, CAT[0]))

    code, out, _ = forget("media/trips/cat.png", "--json")

    assert code != 0
    assert json.loads(out)["proof"]["left"] == {"notes.bin": ["thumbnail"]}
