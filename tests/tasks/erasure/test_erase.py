"""What an erasure takes with it: work, candidates, reports, models, files behind links."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mmcore.encoders.packing import record_of
from mmcore.encoders.projections import Projection, caption_digests
from mmcore.evaluation.reporting.page import page
from mmcore.evaluation.reporting.pictures import Held, Pictures, Shown
from mmcore.evaluation.reporting.report import write_json, write_report
from mmcore.evaluation.scores import Direction, Report, Worst
from mmcore.training.split import key_of
from storage import models, records, rewrite
from storage.candidates import block, blocked, write_candidate
from storage.erasure import orders
from storage.errors import UnerasableError
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.maintenance.garbage import Retention, collect, survey
from storage.models import load_model
from storage.published import published
from storage.schemas import is_record, record_name
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests.forgetting import CAT, CHINESE, ENGLISH, all_findings, settle
from tests.tasks.erasure.erasing import forget


def test_work_that_no_snapshot_names_yet_loses_it_too(lake):
    """A killed run's finished cells are rewritten, and stay; what is made of them goes."""
    manifest = Snapshot.open(lake).manifest
    part = lake.root / manifest.paths("embeddings/image")[0]
    cat = content_of(lake, CAT[0])
    record = records.read_record(part)
    other = next(content for content in record.done if content != cat)
    orphan = rewrite.merged(part.parent, [part], record.only({cat, other}))
    rows = lake.root / manifest.paths("items")[0]
    shutil.copy(rows, rows.with_name("part-0000000000000000.parquet"))

    forget(lake)

    left = records.records_in(part.parent)
    assert orphan not in left
    assert {content for one in left.values() for content in one.done} >= {other}
    assert all(cat not in one.done for one in left.values())
    assert not rows.with_name("part-0000000000000000.parquet").exists()


def test_a_refusal_is_told_of_who_is_left(lake, tmp_path, index):
    """A part's record names a file that could not be read: another one with the same bytes."""
    folder = tmp_path / "media"
    for name in ("a-broken.jpg", "b-broken.jpg"):
        (folder / name).write_bytes(b"\xff\xd8\xff\xe0 this is not a picture")
    settle(folder)
    index(folder, lake.root)

    with writer_lock(lake):
        lake_key(lake)
        choice = choose(lake, ["media/a-broken.jpg"], (), content=False)
        done = erase.erase(lake, choice.selection.order)

    assert done.proof.left == {}
    assert Snapshot.open(lake).rows("quarantine")["path"].to_pylist() == ["b-broken.jpg"]
    parts = {lake.root / f for f in Snapshot.open(lake).manifest.paths("embeddings/image")}
    told = [one["path"] for part in parts for one in records.read_record(part).rejections]
    assert told == ["b-broken.jpg"]


def test_a_candidate_that_names_it_is_dropped_and_another_stays(lake):
    """Blocked work is kept to be looked into, unless it shows what is to be erased."""
    manifest = Snapshot.open(lake).manifest
    write_candidate(lake, manifest.model_copy(update={"number": 9, "run": "with-cat"}))
    block(lake, "with-cat", "too bad")
    bare = {"number": 8, "run": "empty", "files": [], "indexes": [], "projection": None}
    write_candidate(lake, manifest.model_copy(update=bare))
    block(lake, "empty", "too bad")
    (lake.report("9")).mkdir(parents=True)
    (lake.report("9") / "report.json").write_text("{}")

    done = forget(lake)

    assert done.candidates == ("with-cat",)
    assert [one.run for one in blocked(lake)] == ["empty"]
    assert not lake.report("9").exists()


def direction(*worst):
    """One of a report, with its worst queries."""
    return Direction(
        name="text→image",
        queries=2,
        gallery=4,
        means={"RR": 0.4},
        median_rank=2,
        chance=0.2,
        without_results=[],
        worst=list(worst),
    )


def test_a_report_that_shows_it_is_cleaned_and_told_anew(lake):
    """Page and JSON lose the example, and keep their scores; other files of it go."""
    folder = lake.report("3")
    told = Report.model_validate_json((folder / "report.json").read_bytes())
    shown = Worst(query=CHINESE, expected=["trips/cat"], first="twin", rank=3, relevant=1)
    other = Worst(query="a grey wall", expected=["grey"], first="blue", rank=2, relevant=1)
    told = told.model_copy(update={"directions": [direction(shown, other)]})
    write_report(told, [], folder, run_depth=0)
    (folder / "report.html").write_text(page(told), "utf-8")
    cat = content_of(lake, CAT[0])
    (folder / "run.trec").write_text(f"d/{cat} Q0 1 1 -1 m\nd/other Q0 1 1 -1 m\n")
    (folder / "notes.txt").write_text(cat)

    done = forget(lake)

    after = Report.model_validate_json((folder / "report.json").read_bytes())
    assert after.directions[0].worst == [other]
    assert after.directions[0].means == {"RR": 0.4}
    assert "a grey wall" in (folder / "report.html").read_text("utf-8")
    assert CHINESE not in (folder / "report.html").read_text("utf-8")
    assert (folder / "run.trec").read_text() == "d/other Q0 1 1 -1 m\n"
    assert not (folder / "notes.txt").exists()
    assert done.proof.left == {}


def test_a_page_that_shows_it_is_written_anew_without_pictures(lake):
    """Also where no word of the report is about it: the page names the contents it shows."""
    folder = lake.report("3")
    told = Report.model_validate_json((folder / "report.json").read_bytes())
    other = Worst(query="a grey wall", expected=["grey"], first="x", rank=2, relevant=1, item=4)
    told = told.model_copy(update={"directions": [direction(other)]})
    write_json(told, folder)
    picture = Held("image", "data:image/jpeg;base64,AAAA", content_of(lake, CAT[0]))
    shown = page(told, pictures=Pictures({}, {4: Shown(picture)}))
    assert "base64,AAAA" in shown
    (folder / "report.html").write_text(shown, "utf-8")

    done = forget(lake)

    left = (folder / "report.html").read_text("utf-8")
    assert "base64" not in left
    assert "a grey wall" in left
    assert Report.model_validate_json((folder / "report.json").read_bytes()) == told
    assert done.proof.left == {}


def test_a_model_that_was_fitted_on_it_is_named(lake):
    """Its record loses content and caption, its weights stay, and it serves on."""
    fitted = projection(lake).fitted_on
    cat = content_of(lake, CAT[2])
    assert cat in fitted.contents
    folder = lake.model("projection", "p1")
    weights = (folder / "projection.safetensors").read_bytes()
    names = {path.name for path in folder.iterdir()}

    done = forget(lake)

    assert [model.model for model in done.models] == ["projection/p1"]
    assert cat not in projection(lake).fitted_on.contents
    left = projection(lake).fitted_on.captions
    assert caption_digests([key_of(CHINESE)]).isdisjoint(left)
    assert caption_digests([key_of(ENGLISH)]) <= left  # the twin's
    assert (folder / "projection.safetensors").read_bytes() == weights
    (gone,), (new,) = names - _names(folder), _names(folder) - names
    assert is_record(gone)
    assert is_record(new)


def test_a_reader_finds_its_own_record_until_the_new_one_is_named(lake, monkeypatch):
    """Killed before any snapshot is written anew, the old record serves, and all is sound."""
    lake_key(lake)
    folder, fitted = lake.model("projection", "p1"), projection(lake).fitted_on
    before = _names(folder)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase, "reissue", die)
        with pytest.raises(KeyboardInterrupt):
            forget(lake)

    assert len(_names(folder) - before) == 1
    assert all_findings(lake) == []
    assert projection(lake).fitted_on == fitted
    with writer_lock(lake):
        assert [one.model for one in erase.finish(lake).models] == ["projection/p1"]
    assert before - _names(folder)
    assert projection(lake).fitted_on.contents < fitted.contents


def test_a_model_that_no_snapshot_names_loses_it_too(lake):
    """Of a run that fitted it and died: the record that shows it goes, the new one stays."""
    record = record_of(projection(lake).to_files())
    folder = models.store_model(lake, "projection", "p2", {"config.json": record})

    done = forget(lake)

    assert "projection/p2" in [model.model for model in done.models]
    assert _names(folder) - {models.HASHES} == {
        record_name(record_of({p.name: p.read_bytes() for p in folder.iterdir()}))
    }


def test_a_candidate_with_a_model_that_saw_it_is_dropped(lake):
    """Its manifest names the record that goes."""
    manifest = Snapshot.open(lake).manifest
    model = [file for file in manifest.files if file.path.startswith("models/")]
    bare = {"number": 9, "run": "fitted", "files": model, "indexes": []}
    write_candidate(lake, manifest.model_copy(update=bare))
    block(lake, "fitted", "too bad")

    assert forget(lake).candidates == ("fitted",)


def test_a_damaged_snapshot_stops_an_erasure_before_anything_is_changed(lake):
    """It is named, with the way out."""
    path = lake.root / Snapshot.open(lake, 1).manifest.paths("segments/text")[0]
    path.write_bytes(path.read_bytes()[:-3])
    before = {p: p.read_bytes() for p in lake.root.rglob("*") if p.is_file()}

    with pytest.raises(UnerasableError, match=r"snapshot 1 cannot be rewritten.*maintain --keep"):
        forget(lake)

    del before[lake.lock]
    assert {p: p.read_bytes() for p in before if p.exists()} == before
    assert orders.pending(lake) is None


def test_what_no_kept_snapshot_holds_goes_with_any_erasure(lake):
    """The old wording of a caption, whose snapshot retention dropped: nobody can name it."""
    collect(lake, survey(lake, Retention(keep=1), datetime.now(UTC)))
    assert published(lake) == [3]
    assert "An owl." in texts_in(lake.root / "embeddings")

    forget(lake)

    assert "An owl." not in texts_in(lake.root)
    assert "A sleeping owl." in texts_in(lake.root / "embeddings")
    assert all_findings(lake) == []


@pytest.mark.parametrize("moved", ["embeddings", "embeddings/image", "spaces", "part", "models"])
def test_an_erasure_follows_links(lake, tmp_path, moved):
    """Folders that lie on another disk behind a link, and a linked part, lose it too."""
    cat, disk = content_of(lake, CAT[0]), tmp_path / "disk"
    if moved == "part":
        moved = Snapshot.open(lake).manifest.paths("embeddings/image")[0]
    (lake.root / moved).rename(disk)
    (lake.root / moved).symlink_to(disk)
    rest = [disk] if disk.is_file() else [p for p in disk.rglob("*") if p.is_file()]
    before = {path: path.read_bytes() for path in rest}

    done = forget(lake)

    assert done.proof.left == {}
    assert {p: p.read_bytes() for p in before if p.exists()} != before
    assert not any(cat.encode() in p.read_bytes() for p in before if p.exists())
    assert all_findings(lake) == []


def test_files_of_others_behind_a_link_stay(lake, tmp_path):
    """A folder of somebody's that is linked into the lake is read, and not swept."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.txt").write_text("of somebody")
    (lake.root / "segments" / "link").symlink_to(tmp_path / "theirs")

    assert forget(lake).proof.left == {}
    assert (tmp_path / "theirs" / "notes.txt").exists()


def texts_in(folder: Path) -> set[str]:
    """The texts of all parts below a folder."""
    parts = [pq.ParquetFile(path).read() for path in folder.rglob("part-*.parquet")]
    return {
        text for part in parts if "text" in part.column_names for text in part["text"].to_pylist()
    }


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def content_of(layout: Layout, path: str) -> str:
    """The content at a path below the root, in the snapshot that serves."""
    rows = Snapshot.open(layout).rows("files").to_pylist()
    return next(row["content_id"] for row in rows if row["path"] == path)


def projection(layout: Layout) -> Projection:
    """The projection that serves."""
    manifest = Snapshot.open(layout).manifest
    return Projection.from_files(load_model(layout, manifest, "projection", "p1"))
