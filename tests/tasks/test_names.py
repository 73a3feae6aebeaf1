from functools import partial

import pytest

from mmcore.privacy import Veil
from storage import schemas
from storage.keys import keyed
from tasks.names import Names

VEIL = Veil(partial(keyed, b"k" * 32))


@pytest.fixture
def names(tmp_path):
    """A local root under another alias than its folder's name, and one in a store."""
    roots = {("trips", str(tmp_path / "photos")), ("shop", "s3://bucket/pictures")}
    return Names(frozenset(roots), None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("trips/a/cat.png", ("trips", "a/cat.png")),
        ("shop/cat.png", ("shop", "cat.png")),
        ("s3://bucket/pictures/a/cat.png", ("shop", "a/cat.png")),
        ("trips/list.csv#one/zh", ("trips", "list.csv#one/zh")),
    ],
)
def test_a_name_below_a_root_is_a_place(names, text, place):
    """By alias or by URL, a manifest's caption too."""
    assert place in names.places(text)


def test_a_path_on_disk_is_a_place(names, tmp_path, monkeypatch):
    """Absolute or from here, through a link, also of a file that is not there."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)

    for text in (str(tmp_path / "photos" / "猫.png"), "photos/猫.png", "./link/../link/猫.png"):
        assert names.places(text) == {("trips", "猫.png")}
    assert names.places(str(tmp_path / "elsewhere" / "cat.png")) == set()


def test_a_name_that_is_not_utf_8_stands_as_the_tables_have_it(names):
    """With escapes for the bytes."""
    assert names.places("trips/\udcff.png") == {("trips", "\\xff.png")}


def test_an_item_is_named_by_alias_and_key(names):
    """Its id is made of both, the key in normal form."""
    assert names.items("trips/cafe\u0301") == {schemas.item_id("trips", "café")}
    assert names.items("cat") == set()


def test_in_a_private_lake_names_are_hashed(tmp_path):
    """A root is known by the hash of its folder, a path and a key by theirs."""
    folder, alias = str(tmp_path / "photos"), VEIL.alias("photos")
    names = Names(frozenset({(alias, VEIL.url(folder))}), VEIL)
    place = (alias, VEIL.path(alias, "a/cat.png"))

    assert names.places(f"{folder}/a/cat.png") == {place}
    assert names.places("photos/a/cat.png") == {place}
    assert names.items("photos/a/cat") == {schemas.item_id(alias, VEIL.key(alias, "a/cat"))}
