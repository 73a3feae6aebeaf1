import pytest

from storage.erasure.tombstones import (
    Tombstones,
    forgotten,
    lifted,
    of_content,
    of_member,
    of_path,
    of_place,
    read_tombstones,
    tombstones_digest,
    write_tombstones,
)
from storage.errors import CorruptLakeError
from storage.keys import lake_key
from storage.layout import Layout


def test_tombstones_are_kept_as_keyed_hashes(tmp_path):
    """What is written holds neither a content id nor a path, and is read back equal."""
    layout = Layout(tmp_path)
    key = lake_key(layout)
    made = Tombstones(
        contents=frozenset({of_content(key, "content 1")}),
        places=frozenset({of_place(key, "media", "secret/cat.jpg", "content 2")}),
        paths=frozenset({of_path(key, "media", "secret/cat.bin")}),
    )

    write_tombstones(layout, made)

    written = next(layout.tombstones.iterdir()).read_text()
    assert read_tombstones(layout) == made
    assert not any(word in written for word in ("content 1", "content 2", "secret", "media"))


def test_a_content_is_left_out_wherever_and_a_place_only_there(tmp_path):
    """A tombstone of a content counts everywhere, others at their place or in their item."""
    layout = Layout(tmp_path)
    key = lake_key(layout)
    write_tombstones(
        layout,
        Tombstones(
            contents=frozenset({of_content(key, "gone")}),
            places=frozenset({of_place(key, "media", "a.txt", "shared")}),
            members=frozenset({of_member(key, "media", "one", "both")}),
            paths=frozenset({of_path(key, "media", "x.bin")}),
        ),
    )
    left_out = forgotten(layout)

    assert left_out.has_file("other", "item", "anywhere.txt", "gone")
    assert left_out.has_file("media", "item", "a.txt", "shared")
    assert not left_out.has_file("media", "item", "b.txt", "shared")
    assert left_out.has_file("media", "one", "any.txt", "both")
    assert not left_out.has_file("media", "two", "any.txt", "both")
    assert left_out.has_path("media", "x.bin")
    assert not left_out.has_path("media", "a.txt")


def test_lifting_says_how_many_there_were(tmp_path):
    """What is no tombstone cannot be lifted; without any, a lake is as if none was ever set."""
    layout = Layout(tmp_path)
    write_tombstones(layout, Tombstones(contents=frozenset({"a", "b"})))
    before = tombstones_digest(layout)

    assert lifted(layout, [Tombstones(contents=frozenset({"a", "z"}))]) == 1
    assert tombstones_digest(layout) != before
    assert lifted(layout, [Tombstones(contents=frozenset({"b"}))]) == 1
    assert tombstones_digest(layout) == ""
    assert forgotten(layout) is None


def test_tombstones_without_the_key_are_an_error(tmp_path):
    """Nobody can tell what was forgotten, so a crawl must not go on as if nothing were."""
    layout = Layout(tmp_path)
    write_tombstones(layout, Tombstones(contents=frozenset({"a"})))

    with pytest.raises(CorruptLakeError, match="KEY: is missing"):
        forgotten(layout)


@pytest.mark.parametrize("text", ["[]", "{", '{"unknown": []}'])
def test_a_damaged_file_of_tombstones_is_an_error(tmp_path, text):
    """It is never taken for no tombstones."""
    layout = Layout(tmp_path)
    layout.tombstones.mkdir()
    (layout.tombstones / "tombstones.json").write_text(text)

    with pytest.raises(CorruptLakeError, match=r"tombstones.json: (does not hold|is no JSON)"):
        read_tombstones(layout)
