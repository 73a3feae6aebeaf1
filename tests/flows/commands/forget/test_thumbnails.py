"""Thumbnails go with what is forgotten."""

import json

import pyarrow.parquet as pq
import pytest
from PIL import Image

from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails
from tests import media
from tests.forgetting import CAT, settle


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
