"""Text read in pictures and speech: segments of the text encoder, beside everything else."""

import pytest

from mmcore.media.reading import ocr, readers
from mmcore.media.reading.ocr import Line
from mmcore.specs import RuntimeSpec
from storage.layout import Layout
from storage.maintenance.compaction import plan as compaction_plan
from storage.maintenance.packing import Aims
from storage.snapshot import Snapshot
from tests import media
from tests.crashes import plain_index
from tests.soundness import sound

READING = {"ocr": True}
BOX = (0.25, 0.5, 0.75, 1.0)


@pytest.fixture
def index(monkeypatch):
    """Index with a reader that sees the picture's width; it tells whom it has read."""
    monkeypatch.setattr(readers, "find_spec", lambda _: object())
    monkeypatch.setattr(readers, "version", lambda _: "1")
    run = plain_index(monkeypatch)
    seen = []

    def lines_of(picture):
        seen.append(picture.width)
        return [Line(f"width {picture.width}", BOX)] if picture.width > 10 else []

    monkeypatch.setattr(ocr, "lines_of", lines_of)

    def indexed(folder, lake, segmentation=READING, **options):
        seen.clear()
        runtime = RuntimeSpec(device="cpu", isolate=False)
        result = run(folder, lake, segmentation=segmentation, runtime=runtime, **options)
        return result, sorted(seen)

    return indexed


@pytest.fixture
def folder(tmp_path):
    """Two pictures with something to read, one without, a caption, a broken picture."""
    root = tmp_path / "media"
    for width in (8, 20, 30):
        media.png(root / f"{width}.png", media.noise(width, 8, width))
    media.text(root / "20.txt", "a caption")
    (root / "bad.png").write_bytes((root / "20.png").read_bytes()[:60])
    return root


def texts(lake):
    """(text, source's kind, box) of all segments of texts."""
    rows = Snapshot.open(Layout(lake)).rows("segments/text").to_pylist()
    return sorted((r["text"], r["source"].partition("@")[0], r["box"]) for r in rows)


def test_what_is_read_is_a_text_with_its_place(index, folder, tmp_path):
    """It points back to its picture; a picture without text has none, and is no bad file."""
    result, seen = index(folder, tmp_path / "lake")

    assert seen == [8, 20, 30]
    assert texts(tmp_path / "lake") == [
        ("a caption", "self", None),
        ("width 20", "ocr", list(BOX)),
        ("width 30", "ocr", list(BOX)),
    ]
    assert result.quarantined == {"truncated": 1}
    sound(Snapshot.open(Layout(tmp_path / "lake")))


def test_a_second_run_reads_nothing(index, folder, tmp_path):
    """What was read is finished work, also where nothing was found."""
    index(folder, tmp_path / "lake")
    media.png(folder / "40.png", media.noise(40, 8, 40))
    _, seen = index(folder, tmp_path / "lake")

    assert seen == [40]


def test_forgetting_a_reader_is_told(index, folder, tmp_path, caplog):
    """A run that is not told to read takes texts out: it says so."""
    index(folder, tmp_path / "lake")
    assert "segmentation.ocr" not in caplog.text
    index(folder, tmp_path / "lake", {})

    assert "texts read with segmentation.ocr" in caplog.text


def test_reading_can_begin_and_end(index, folder, tmp_path):
    """Switched on, only readers work; switched off, their texts go, and nothing is embedded."""
    lake = tmp_path / "lake"
    first, _ = index(folder, lake, {})
    on, seen = index(folder, lake)
    off, _ = index(folder, lake, {})

    assert seen == [8, 20, 30]
    assert first.new["hash-text"] == 1
    assert on.new["hash-text"] == 2  # one of the three has nothing to read
    assert on.new["hash-image"] == off.new["hash-image"] == 0
    assert off.new["hash-text"] == 0
    assert texts(lake) == [("a caption", "self", None)]


def test_another_reader_reads_again(index, folder, tmp_path, monkeypatch):
    """A new version of the models finds new texts; the old ones are in no table any more."""
    lake = tmp_path / "lake"
    index(folder, lake)
    before = Snapshot.open(Layout(lake)).rows("segments/text")["source"].to_pylist()
    monkeypatch.setattr(readers, "version", lambda _: "2")
    result, seen = index(folder, lake)
    now = Snapshot.open(Layout(lake)).rows("segments/text")["source"].to_pylist()

    assert seen == [8, 20, 30]
    assert result.new["hash-text"] == 2
    assert len(now) == len(before) == 3
    assert set(now) & set(before) == {"self"}


def test_compaction_keeps_readers_apart(index, folder, tmp_path):
    """Parts of two readers are never merged: each says of a content what it found itself."""
    lake = tmp_path / "lake"
    index(folder, lake)
    for width in (50, 60):
        media.png(folder / f"{width}.png", media.noise(width, 8, width))
        media.text(folder / f"{width}.txt", f"caption {width}")
        index(folder, lake)
    steps = compaction_plan(Layout(lake), Aims()).steps

    assert steps
    for step in steps:
        assert len({part.record.reader for part in step.merge.parts}) == 1
        assert {part.record.reader for part in step.merge.parts} == {step.merge.record.reader}
