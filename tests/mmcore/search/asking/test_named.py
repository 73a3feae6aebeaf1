"""Items by the names that people give them."""

import pytest

from mmcore.errors import ConfigError
from mmcore.search.asking.named import item_named
from storage.schemas import item_id
from tests.factories import small_lake


@pytest.fixture
def snapshot(tmp_path):
    """A small lake of one root."""
    made = small_lake(tmp_path / "lake")
    made.manifest.sources["media"] = "/media"
    return made


def test_an_item_is_named_by_key_root_and_id(snapshot):
    """Whatever is said, it is the same item."""
    owl = item_id("media", "owl")

    assert {item_named(snapshot, name) for name in ("owl", "media/owl", str(owl))} == {owl}


@pytest.mark.parametrize("name", ["", "none", "media/none", "other/owl", "12", "9" * 30, "²"])
def test_what_the_lake_does_not_have_is_told(snapshot, name):
    """With the ways to name one."""
    with pytest.raises(ConfigError, match="the lake has no item"):
        item_named(snapshot, name)


def test_a_key_of_two_roots_is_named_with_its_root(snapshot, monkeypatch):
    """The whole name counts before the key alone."""
    monkeypatch.setitem(snapshot.manifest.sources, "more", "/more")
    ids = {item_id("media", "owl"), item_id("more", "owl")}
    monkeypatch.setattr("mmcore.search.asking.named._there", lambda _, meant: sorted(ids & meant))

    with pytest.raises(ConfigError, match="ROOT/KEY"):
        item_named(snapshot, "owl")
    assert item_named(snapshot, "more/owl") == item_id("more", "owl")


def test_an_item_is_named_by_a_file(snapshot):
    """By its path, or by root and path; a key counts before."""
    row = snapshot.rows("item_files", ["item_id", "root", "path"]).to_pylist()[0]

    for name in (row["path"], f"{row['root']}/{row['path']}"):
        assert item_named(snapshot, name) == row["item_id"]


def test_a_file_of_several_items_names_none(snapshot, monkeypatch):
    """It says of how many it is."""
    monkeypatch.setattr("mmcore.search.asking.named._of_file", lambda *_: [1, 2])

    with pytest.raises(ConfigError, match=r"2 items have the file shared\.jpg"):
        item_named(snapshot, "shared.jpg")
