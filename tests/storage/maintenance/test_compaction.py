"""Small and mostly dead parts are merged, and every live cell is there once as it was."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.cells import finished_contents, live_parts, part_path, write_cells
from storage.errors import CorruptLakeError
from storage.maintenance import compaction
from storage.maintenance.packing import Aims, merges, survey_part
from storage.manifest import entry
from storage.published import current
from storage.records import PartRecord, read_record
from storage.schemas import Modality
from storage.tables import read_parts
from storage.verification.verify import verify
from tests.factories import IMAGES, WHEN, cells, rejection
from tests.storage.maintenance.parts import Lake

ROW = 4 * IMAGES.dim
"""Bytes of a vector."""


@pytest.fixture(autouse=True)
def fast():
    """Nothing is flushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def lake(tmp_path):
    """A lake without parts."""
    return Lake(tmp_path / "湖")


def served(snapshot):
    """Ids and bytes of what a search of pictures sees, own and shared."""
    own, shared = snapshot.cells(Modality.IMAGE), snapshot.vectors(Modality.IMAGE)
    return [one.tobytes() for one in (*own, *shared[1:])]


def contents(path):
    """The contents of the rows of a part, as often as they come."""
    return sorted(read_parts([path], ["content_id"])["content_id"].to_pylist())


KEYS = [f"k{number}" for number in range(12)]
PARTS = st.lists(
    st.fixed_dictionaries(
        {
            "keys": st.lists(st.sampled_from(KEYS), unique=True, max_size=6),
            "refused": st.lists(st.sampled_from(KEYS), unique=True, max_size=3),
            "silent": st.lists(st.sampled_from(KEYS), unique=True, max_size=2),
            "decoder": st.sampled_from(["pillow 1", "pillow 2"]),
            "device": st.sampled_from(["cpu", "cpu", "cuda"]),
        }
    ),
    min_size=1,
    max_size=8,
)
LAKES = given(
    parts=PARTS,
    live=st.sets(st.sampled_from(KEYS)),
    aims=st.builds(
        Aims,
        st.sampled_from([0.0, 0.3, 0.5, 1.0]),
        st.integers(1, 12).map(lambda rows: 2 * rows * (ROW + 64)),
    ),
)


@LAKES
@settings(max_examples=10, deadline=None)
def test_every_live_cell_is_there_once_as_it_was(parts, live, aims):
    """Whatever parts hold, nothing live is lost, doubled or changed, and once is enough."""
    check_compaction(parts, live, aims)


@pytest.mark.slow
@LAKES
@settings(max_examples=400, deadline=None)
def test_every_live_cell_is_there_once_in_many_lakes(parts, live, aims):
    """The same of more lakes."""
    check_compaction(parts, live, aims)


def check_compaction(parts, live, aims):
    """Compact a lake of these parts and compare what is served, said and done."""
    with TemporaryDirectory() as root:
        lake = Lake(Path(root))
        for part in parts:
            lake.part(**part)
        embedded = sorted({key for part in parts for key in part["keys"]} & live)
        before = lake.publish(embedded, more=live - set(embedded))
        done = finished_contents(lake.cells, ["pillow 2"])

        after = lake.compact(aims)

        assert served(after) == served(before)
        assert verify(lake.layout, after.manifest).findings == ()
        names, found = [f"{key}-image" for key in embedded], lake.in_cells(after)
        held = sorted(content for path in found for content in contents(path))
        assert set(held) >= set(names)
        if len({part["device"] for part in parts}) == 1:
            assert [content for content in held if content in names] == names
        said = [read_record(path) for path in found]
        for path, record in zip(found, said, strict=True):
            assert set(contents(path)) <= set(record.done)
        known = {c for part in lake.parts for c in read_record(part).contents()}
        assert {c for record in said for c in record.contents()} >= known & {
            f"{key}-image" for key in live
        }
        assert finished_contents(lake.cells, ["pillow 2"]) >= done
        assert compaction.plan(lake.layout, aims).steps == ()
        assert verify(lake.layout, before.manifest).findings == ()


def test_small_parts_become_one(lake):
    """Of parts far below the size that is aimed at one is made, and its shared vectors too."""
    parts = [lake.part([key]) for key in KEYS]
    before = lake.publish(KEYS)

    after = lake.compact()

    (merged,) = lake.in_cells(after)
    assert merged not in parts
    assert served(after) == served(before)
    assert after.manifest.paths(lake.layout.relative(lake.shared)) == [
        lake.layout.relative(lake.shared / merged.name)
    ]
    assert (after.manifest.number, after.manifest.parent) == (2, 1)
    assert after.manifest.created_at == before.manifest.created_at
    assert all(path.exists() for path in parts)


def test_a_part_has_a_bound(lake):
    """New parts have the aimed size at most, and all but one more than half of it."""
    for key in KEYS:
        lake.part([key])
    lake.publish(KEYS)

    after = lake.compact(Aims(part_bytes=5 * (ROW + 64)))

    assert sorted(len(contents(path)) for path in lake.in_cells(after)) == [2, 5, 5]


@pytest.mark.parametrize(("share", "rewritten"), [(0.6, False), (0.5, True)])
def test_a_mostly_dead_part_is_rewritten(lake, share, rewritten):
    """Where more than the accepted share of its rows is dead: three of five are 0.6."""
    part = lake.part(KEYS[:5])
    before = lake.publish(KEYS[:2])

    after = lake.compact(Aims(share, part_bytes=1))

    assert served(after) == served(before)
    assert (part not in lake.in_cells(after)) == rewritten
    if rewritten:
        assert read_record(lake.in_cells(after)[0]).done == ("k0-image", "k1-image")


def test_other_computing_stays_apart(lake):
    """What two devices computed is never in one part."""
    for key in KEYS[:4]:
        lake.part([key], device="cpu" if key < "k2" else "cuda")
    lake.publish(KEYS[:4])

    after = lake.compact()

    found = [
        (read_record(path).compute["device"], contents(path)) for path in lake.in_cells(after)
    ]
    assert sorted(found) == [
        ("cpu", ["k0-image", "k1-image"]),
        ("cuda", ["k2-image", "k3-image"]),
    ]


def test_cells_that_two_devices_computed_stay_where_they_are(lake):
    """Which of them serves is told by the names of their parts, so these are kept."""
    parts = [lake.part(["k0", "k1"], device="cpu"), lake.part(["k1"], device="cuda")]
    before = lake.publish(["k0", "k1"])

    assert compaction.plan(lake.layout, Aims()).steps == ()
    assert lake.in_cells(before) == parts


def test_of_two_tries_the_standing_one_is_kept(lake):
    """A merged part says of a content what the quarantine does, and only that."""
    for key, decoder in (("k0", "pillow 1"), ("k1", "pillow 2"), ("k2", "pillow 3")):
        lake.part([key], refused=["bad"], decoder=decoder)
    refused = rejection("bad-image", "pillow 2")
    row = refused | {"first_seen": WHEN, "last_seen": WHEN}
    lake.publish(["k0", "k1", "k2"], more=["bad"], quarantine=[row])

    (merged,) = lake.in_cells(lake.compact())

    record = read_record(merged)
    assert [dict(found) for found in record.rejections] == [rejection("bad-image", "pillow 2")]
    assert sorted(record.done) == ["bad-image", "k0-image", "k1-image", "k2-image"]
    live = {"bad-image", "k0-image", "k1-image", "k2-image"}
    assert list(live_parts(lake.cells, live, ["pillow 2"])) == [merged]


def test_a_content_that_was_read_in_the_end_is_not_refused_any_more(lake):
    """What an older decoder said of it goes with its part."""
    lake.part(["k0"], refused=["k1"], decoder="pillow 1")
    lake.part(["k1"], decoder="pillow 2")
    lake.publish(["k0", "k1"])

    (merged,) = lake.in_cells(lake.compact())

    assert read_record(merged) == PartRecord(("k0-image", "k1-image"), (), {"device": "cpu"})


def test_finished_parts_that_are_not_published_stay_as_they_are(lake):
    """An interrupted run goes on with them; and what is compacted covers its sources."""
    sources = [lake.part([key]) for key in KEYS[:4]]
    lake.publish(KEYS[:4])
    unpublished = lake.part(["new"])
    before = unpublished.read_bytes()

    (merged,) = lake.in_cells(lake.compact())

    assert unpublished.read_bytes() == before
    live = {f"{key}-image" for key in [*KEYS[:4], "new"]}
    assert finished_contents(lake.cells, []) == live
    assert set(live_parts(lake.cells, live)) == {merged, unpublished}
    assert set(live_parts(lake.cells, live | {"gone-image"})) == {merged, unpublished}
    assert not set(sources) & set(live_parts(lake.cells, live))


def test_a_content_that_comes_back_is_found_in_the_old_part(lake):
    """What compaction left out is finished as long as the old part is there."""
    old = lake.part(KEYS[:5])
    lake.publish(KEYS[:2])
    (merged,) = lake.in_cells(lake.compact())

    live = {f"{key}-image" for key in KEYS[:3]}
    assert finished_contents(lake.cells, []) >= live
    assert list(live_parts(lake.cells, live)) == [old]
    assert list(live_parts(lake.cells, {"k0-image", "k1-image"})) == [merged]


def test_stored_types_are_copied(tmp_path):
    """A float16 part becomes a float16 part with the same bytes."""
    lake = Lake(tmp_path, "float16")
    for key in KEYS[:3]:
        lake.part([key])
    before = lake.publish(KEYS[:3])

    after = lake.compact()

    (merged,) = lake.in_cells(after)
    assert read_parts([merged]).schema.field("vector").type.value_type == pa.float16()
    assert served(after) == served(before)


def test_a_killed_compaction_goes_on_where_it_was(lake):
    """A part that was written is found, and not written again."""
    for key in KEYS[:3]:
        lake.part([key])
    lake.publish(KEYS[:3])
    first, second = (compaction.plan(lake.layout, Aims()) for _ in range(2))
    written = first.write(first.steps[0])
    times = [(lake.layout.root / file.path).stat().st_mtime_ns for file in written]

    assert second.write(second.steps[0]) == written
    assert [(lake.layout.root / file.path).stat().st_mtime_ns for file in written] == times


def test_a_damaged_part_stops_it(lake):
    """Nothing is published of a part that cannot be read whole."""
    parts = [lake.part([key]) for key in KEYS[:3]]
    lake.publish(KEYS[:3])
    damaged = bytearray(parts[1].read_bytes())
    damaged[40] ^= 0xFF
    parts[1].write_bytes(bytes(damaged))

    with pytest.raises(CorruptLakeError) as caught:
        lake.compact()

    assert caught.value.path == parts[1]
    assert current(lake.layout) == 1


def test_what_will_be_written_is_estimated(lake):
    """By the live share of the old files."""
    lake.part(KEYS[:4])
    snapshot = lake.publish(KEYS[:1])
    sizes = sum(file.bytes for file in snapshot.manifest.files if "part-000" in file.path)

    assert compaction.plan(lake.layout, Aims()).bytes == int(sizes / 4)


@pytest.mark.parametrize("wrong", [{"dead_share": 1.1}, {"dead_share": -0.1}, {"part_bytes": 0}])
def test_aims_that_cannot_be_are_refused(wrong):
    """A share is a share, and a part has a size."""
    with pytest.raises(ValueError, match="cannot aim"):
        Aims(**wrong)


def test_a_part_whose_record_alone_is_dead_is_rewritten_when_nothing_dead_may_stay(tmp_path):
    """A refused file has no row, and yet its content, path and message stand in the footer."""
    refused = {"root": "media", "path": "secret.jpg", "content_id": "gone", "decoder": "pil"}
    record = PartRecord(("here",), (refused,), {"dtype": "float32"})
    path = write_cells(part_path(tmp_path, "x"), cells(["here"]), record)
    part = survey_part(path, entry(tmp_path, path, {}), {"here"})

    assert part.dead_rows == 0
    assert merges([part], Aims(dead_share=0.5, part_bytes=1), ()) == []
    (merge,) = merges([part], Aims(dead_share=0, part_bytes=1), ())
    assert merge.record == PartRecord(("here",), (), {"dtype": "float32"})
