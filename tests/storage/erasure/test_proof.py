"""The proof of an erasure can fail: whatever is planted is found."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from storage import tables
from storage.erasure.orders import Order, write_order
from storage.erasure.proof import prove
from storage.erasure.traces import Traces, distinctive, known_by
from storage.layout import Layout
from storage.schemas import projected_schema
from tests.factories import cells

ITEM, SEGMENT, OTHER = 0x1122334455667788, 0x2233445566778899, 5
CONTENT = "0123456789abcdef0123456789abcdef"
PATH, TEXT = "trips/cat's.png", "一只虎斑猫在家里的绿色沙发上睡觉"
VECTOR = np.linspace(-0.3, 0.4, 32, dtype=np.float32)
TRACES = Traces(
    contents=frozenset({CONTENT}),
    items=frozenset({ITEM}),
    segments=frozenset({SEGMENT}),
    paths=frozenset({PATH}),
    texts={CONTENT: TEXT},
    vectors=frozenset({distinctive(VECTOR.tobytes())}),
)


@pytest.fixture
def layout(tmp_path):
    """A lake with one file of somebody else."""
    write(tmp_path / "items" / "part-1.parquet", {"item_id": [OTHER], "key": ["dog"]})
    return Layout(tmp_path)


def write(path, columns, metadata=None):
    """A Parquet file, its columns compressed."""
    tables.write_part(path, pa.table(columns), metadata or {})


def vectors(path, segment, vector, **options):
    """A part of a shared space with one vector."""
    table = pa.Table.from_arrays(
        [pa.array([segment]), tables.vector_column(vector[None])],
        schema=projected_schema(len(vector)),
    )
    tables.write_part(path, table, **options)


def test_a_clean_lake_is_proved(layout):
    """All files are read, and all bytes of them."""
    proof = prove(layout, TRACES)

    assert proof.left == {}
    assert (proof.files, proof.bytes) == (1, (layout.root / "items/part-1.parquet").stat().st_size)
    assert proof.patterns > 10


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"x" + CONTENT.encode(), "content id"),
        (b"abc" + ITEM.to_bytes(8, "little"), "item id"),
        (b"abcd" + SEGMENT.to_bytes(8, "little"), "segment id"),
        (str(ITEM).encode(), "item id"),
        (PATH.encode(), "path"),
        (b"cat: trips/cat&#39;s.png", "path"),
        (json.dumps([TEXT]).encode(), "text"),
        (TEXT.encode(), "text"),
        (b"ab" + VECTOR.tobytes(), "vector"),
    ],
)
def test_a_trace_in_any_file_is_found(layout, data, kind):
    """Raw, as JSON or as HTML, in a file of any name."""
    (layout.root / "thumbnails").mkdir()
    (layout.root / "thumbnails" / "left.bin").write_bytes(data)

    assert prove(layout, TRACES).left == {"thumbnails/left.bin": (kind,)}


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"content_id": [CONTENT] * 9}, "content id"),
        ({"item_id": [OTHER, ITEM]}, "item id"),
        ({"labels": [["a", PATH]]}, "path"),
        ({"path_bytes": [PATH.encode()]}, "path"),
        ({"text": [None, f"… {TEXT} …"]}, "text"),
    ],
)
def test_a_trace_in_a_compressed_column_is_found(layout, columns, kind):
    """Parquet files are decoded: their bytes alone may not show it."""
    write(layout.root / "items" / "part-2.parquet", columns)

    assert kind in prove(layout, TRACES).left["items/part-2.parquet"]


def test_a_trace_in_a_footer_is_found(layout):
    """A part's record names contents and paths."""
    write(layout.root / "items" / "part-2.parquet", {"a": [1]}, {"record": json.dumps([PATH])})

    assert prove(layout, TRACES).left == {"items/part-2.parquet": ("path",)}


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_vector_is_found_under_any_codec(layout, compression):
    """Also where its bytes are split into streams."""
    path = layout.root / "spaces" / "s" / "image" / "part-2.parquet"
    vectors(path, SEGMENT, VECTOR, compression=compression)

    assert "vector" in prove(layout, TRACES).left["spaces/s/image/part-2.parquet"]


def test_an_equal_vector_of_somebody_else_is_no_trace(layout):
    """Two contents may say the same; their index has the vector too, under the other's id."""
    vectors(layout.root / "spaces" / "s" / "image" / "part-2.parquet", OTHER, VECTOR)
    (layout.root / "index.faiss").write_bytes(VECTOR.tobytes() + OTHER.to_bytes(8, "little"))

    assert prove(layout, TRACES).left == {}


def test_words_that_others_have_are_not_looked_for(layout):
    """A name or text that stays for others would be found in their rows."""
    write(layout.root / "files" / "part-2.parquet", {"path": [PATH]})

    assert prove(layout, TRACES, TRACES.words()).left == {}


def test_short_words_are_not_looked_for():
    """They would be found by chance; ids are looked for all the same."""
    words = Traces(paths=frozenset({"a.png"}), keys=frozenset({"a"}), texts={"c": "red"}).words()

    assert words == {}


def test_what_lies_behind_a_link_is_read(layout, tmp_path_factory):
    """A folder that was moved to another disk, and a part alone."""
    disk = tmp_path_factory.mktemp("disk")
    write(disk / "x" / "part-2.parquet", {"item_id": [ITEM]})
    (layout.root / "embeddings").symlink_to(disk)
    (layout.root / "items" / "part-3.parquet").symlink_to(disk / "x" / "part-2.parquet")

    left = prove(layout, TRACES).left
    assert left.keys() == {"embeddings/x/part-2.parquet", "items/part-3.parquet"}


def test_what_cannot_be_read_is_never_taken_for_clean(layout, monkeypatch):
    """A link to nothing, a file that may not be opened, a part that cannot be decoded."""
    (layout.root / "lost").symlink_to("nowhere")
    (layout.root / "closed.bin").write_bytes(b"?")
    (layout.root / "items" / "part-2.parquet").write_bytes(b"PAR1 and no more")
    opens = Path.open

    def opening(path, *args):
        if path.name == "closed.bin":
            raise PermissionError(13, "Permission denied")
        return opens(path, *args)

    monkeypatch.setattr(Path, "open", opening)

    left = prove(layout, TRACES).left
    assert left.keys() == {"closed.bin", "items/part-2.parquet", "lost"}
    assert left["closed.bin"] == ("cannot be read",)


def test_a_file_that_is_gone_by_now_holds_nothing(layout, monkeypatch):
    """A note of the lock, a temporary file."""
    (layout.root / "note").write_bytes(b"?")
    opens = Path.open

    def opening(path, *args):
        if path.name == "note":
            path.unlink()
        return opens(path, *args)

    monkeypatch.setattr(Path, "open", opening)

    assert prove(layout, TRACES).left == {}


def test_the_order_itself_is_not_looked_into(layout):
    """It names what is to be erased, until the proof is clean."""
    write_order(layout, Order(contents=frozenset({CONTENT})))

    assert prove(layout, TRACES).left == {}


def jpeg(colours, size=(64, 48)):
    """A thumbnail of stripes."""
    picture = Image.new("RGB", size)
    for at, colour in enumerate(colours):
        picture.paste(colour, (at * 8, 0, at * 8 + 8, size[1]))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=75)
    return file.getvalue()


CAT_PICTURE = jpeg(["orange", "black", "green", "white", "orange"])
DOG_PICTURE = jpeg(["brown", "grey", "blue", "pink", "yellow"])
SEEN = Traces(segments=frozenset({SEGMENT}), thumbnails=frozenset({known_by(CAT_PICTURE)}))


def pictures(path, segment, *thumbnails):
    """A part of cells with thumbnails."""
    rows = cells([str(number) for number in range(len(thumbnails))])
    ids = pa.array([segment + number for number in range(len(thumbnails))], pa.int64())
    place = rows.column_names.index("thumbnail")
    rows = rows.set_column(0, rows.schema.field(0), ids)
    field = rows.schema.field(place)
    tables.write_part(path, rows.set_column(place, field, pa.array(thumbnails, pa.binary())))


def test_a_thumbnail_is_found_in_cells_and_in_any_other_file(layout):
    """In a column, in a loose file, and in a half of one."""
    pictures(layout.root / "embeddings/image/a/part-1.parquet", SEGMENT, CAT_PICTURE)
    (layout.root / "left.jpg").write_bytes(b"?" + CAT_PICTURE)

    left = prove(layout, SEEN).left

    assert left["left.jpg"] == ("thumbnail",)
    assert "thumbnail" in left["embeddings/image/a/part-1.parquet"]


def test_another_thumbnail_is_no_trace(layout):
    """All thumbnails begin alike: they are known by their pictures."""
    pictures(layout.root / "embeddings/image/a/part-1.parquet", OTHER, DOG_PICTURE)

    assert prove(layout, SEEN).left == {}


def test_an_equal_thumbnail_of_somebody_else_is_no_trace(layout):
    """A plain white page looks like any other."""
    pictures(layout.root / "embeddings/image/a/part-1.parquet", OTHER, DOG_PICTURE, CAT_PICTURE)

    assert prove(layout, SEEN).left == {}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_thumbnail_is_known_by_bytes_of_its_own(head, scan):
    """What is looked for stands in the coded picture, is long enough, and no run of one byte."""
    known = known_by(b"\xff\xd8" + head + b"\xff\xda" + scan)

    assert known is None or (known in head + b"\xff\xda" + scan and 16 <= len(known) <= 64)
    assert known_by(bytes(500)) is None


def test_an_order_of_an_older_version_is_read():
    """It was sealed before there were thumbnails."""
    told = TRACES.to_json()
    del told["thumbnails"]

    assert Traces.from_json(told) == TRACES
    assert Traces.from_json(SEEN.to_json()) == SEEN
