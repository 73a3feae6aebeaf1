import pyarrow as pa
import pytest

from storage import schemas
from storage.diff import Changes, Setting, diff
from storage.layout import Layout
from storage.manifest import Evaluation
from storage.snapshot import Snapshot
from storage.tables import write_rows
from tests.factories import IMAGES, TEXTS, candidate, entries, manifest, small_lake


def lake_of(root, items, **fields):
    """A snapshot of items (key → path → content) and nothing else."""
    layout = Layout(root)
    named = [{"root": "media", "key": key} for key in items]
    rows = [
        {"root": "media", "path": path, "content_id": content, "key": key}
        for key, files in items.items()
        for path, content in files.items()
    ]
    for row in named + rows:
        row["item_id"] = schemas.item_id("media", row["key"])
    full = {f"has_{m}": True for m in schemas.MODALITIES} | {"modality": "text", "role": "text"}
    full |= {"media_type": "text/plain", "size": 1, "mtime_ns": 1}
    paths = [
        path
        for table, schema, of in (
            ("files", schemas.FILES, rows),
            ("items", schemas.ITEMS, named),
            ("item_files", schemas.ITEM_FILES, rows),
        )
        for path in write_rows(
            layout.rows(table),
            pa.Table.from_pylist([full | row for row in of], schema=schema),
        )
    ]
    return Snapshot.of(layout, manifest(files=entries(layout, paths), **fields))


def test_what_comes_and_goes_is_named(tmp_path):
    """Items, files and segments of one snapshot only are added or gone."""
    old = small_lake(tmp_path, ("cat", "狗"))
    new = Snapshot.of(old.layout, candidate(old.layout, ("狗", "owl", "fox")))

    found = diff(old, new)

    assert found.items == Changes(("media/fox", "media/owl"), ("media/cat",))
    assert found.files.gone == ("media/cat.png", "media/cat.txt")
    assert found.segments == {"image": (2, 1), "text": (2, 1)}
    assert (found.before, found.settings, found.scores) == (1, (), {})


def test_equal_snapshots_do_not_differ(tmp_path):
    """A snapshot compared with itself has no change, also one without items."""
    for snapshot in (small_lake(tmp_path / "a"), small_lake(tmp_path / "b", ())):
        found = diff(snapshot, snapshot)

        assert found.items == found.files == Changes()
        assert (found.segments, found.settings) == ({}, ())


def test_the_same_contents_under_another_key_are_renamed(tmp_path):
    """A moved item is neither added nor gone, in whatever order its files come."""
    old = lake_of(tmp_path / "old", {"猫": {"猫.png": "c1", "猫.txt": "c2"}})
    new = lake_of(tmp_path / "new", {"cat": {"cat.a": "c2", "cat.b": "c1"}})

    found = diff(old, new)

    assert found.items == Changes(renamed=(("media/猫", "media/cat"),))
    assert found.files.renamed == (
        ("media/猫.png", "media/cat.b"),
        ("media/猫.txt", "media/cat.a"),
    )


def test_other_contents_under_the_same_key_are_changed(tmp_path):
    """An item whose file has other bytes, and one that gained a file, are changed."""
    old = lake_of(tmp_path / "old", {"a": {"a.txt": "c1"}, "b": {"b.txt": "c2"}})
    new = lake_of(tmp_path / "new", {"a": {"a.txt": "c3"}, "b": {"b.txt": "c2", "b.zh.txt": "c4"}})

    found = diff(old, new)

    assert found.items == Changes(changed=("media/a", "media/b"))
    assert found.files == Changes(added=("media/b.zh.txt",), changed=("media/a.txt",))


def test_of_equal_copies_each_is_renamed_once(tmp_path):
    """Two copies that moved are two renames; a third copy that came is added."""
    old = lake_of(tmp_path / "old", {k: {f"{k}.txt": "same"} for k in ("a", "b")})
    new = lake_of(tmp_path / "new", {k: {f"{k}.txt": "same"} for k in ("x", "y", "z")})

    assert diff(old, new).items == Changes(
        added=("media/z",), renamed=(("media/a", "media/x"), ("media/b", "media/y"))
    )


def test_a_content_that_an_item_has_twice_counts_once(tmp_path):
    """A second copy of a file within its item does not change the item."""
    old = lake_of(tmp_path / "old", {"a": {"a.txt": "c1"}})
    new = lake_of(tmp_path / "new", {"a": {"a.txt": "c1", "a.en.txt": "c1"}})

    assert diff(old, new).items == Changes()
    assert diff(old, new).files == Changes(added=("media/a.en.txt",))


def test_what_was_chosen_differently_is_told_with_both_values(tmp_path):
    """An encoder, a spec and a projection that only one snapshot has are settings."""
    old = lake_of(tmp_path, {}, encoders=[IMAGES], specs={"fit": {"share": 0.2, "same": 1}})
    other = IMAGES.model_copy(update={"fingerprint": "ff99"})
    new = lake_of(tmp_path, {}, encoders=[other], specs={"fit": {"share": 0.3, "same": 1}})

    assert diff(old, new).settings == (
        Setting("encoder image", "pictures aa11 (8-d, pictures)", "pictures ff99 (8-d, pictures)"),
        Setting("fit.share", "0.2", "0.3"),
    )
    assert diff(lake_of(tmp_path, {}), old).settings[0].before is None


def test_a_further_text_encoder_is_a_setting_of_its_own(tmp_path):
    """It is told by its space, and hides the main one nowhere."""
    further = TEXTS.model_copy(update={"name": "said", "space": "heard"})
    old, new = (lake_of(tmp_path, {}, encoders=e) for e in ([TEXTS], [TEXTS, further]))

    assert diff(old, new).settings == (
        Setting("encoder text in heard", None, "said bb22 (6-d, heard)"),
    )


def test_a_projection_fitted_anew_is_a_setting(tmp_path):
    """A projection of the same space that joins one encoder more is another projection."""
    old = small_lake(tmp_path)
    fewer = old.manifest.projection.model_copy(update={"encoders": {}})
    new = Snapshot.of(old.layout, old.manifest.model_copy(update={"projection": fewer}))

    assert [setting.name for setting in diff(old, new).settings] == ["projection"]


def test_scores_stand_side_by_side(tmp_path):
    """A direction that one snapshot did not measure has None there, never 0."""
    one = Evaluation(status="measured", scores={"a→b": {"RR": 0.5}})
    other = Evaluation(status="measured", scores={"a→b": {"RR": 0.75}, "b→a": {"RR": 1.0}})

    found = diff(lake_of(tmp_path, {}, evaluation=one), lake_of(tmp_path, {}, evaluation=other))

    assert found.scores == {"a→b": {"RR": (0.5, 0.75)}, "b→a": {"RR": (None, 1.0)}}


def test_names_without_a_file_are_not_taken_for_each_other(tmp_path):
    """Items without contents are added and gone: nothing says that they are the same."""
    found = diff(lake_of(tmp_path / "old", {"a": {}}), lake_of(tmp_path / "new", {"b": {}}))

    assert found.items == Changes(("media/b",), ("media/a",))


@pytest.mark.parametrize("copies", [1, 500])
def test_a_diff_reversed_swaps_added_and_gone(tmp_path, copies):
    """What is added one way is gone the other way."""
    old = lake_of(tmp_path / "old", {f"o{n}": {f"o{n}": f"c{n}"} for n in range(copies)})
    new = lake_of(tmp_path / "new", {f"n{n}": {f"n{n}": f"d{n}"} for n in range(copies)})

    there, back = diff(old, new).items, diff(new, old).items

    assert (there.added, there.gone) == (back.gone, back.added)
    assert len(there.added) == copies
