import pytest

from storage.erasure.orders import Order, write_order
from storage.erasure.tombstones import Tombstones, write_tombstones
from storage.errors import CorruptLakeError, KeyLostError
from storage.keys import check_key, keyed, lake_key, read_key
from storage.layout import Layout
from storage.publication import publish
from storage.snapshot import Snapshot
from tests.factories import candidate


def test_a_lake_keeps_its_key(tmp_path):
    """The key is made once, is random, and nobody else may read it."""
    layout, other = Layout(tmp_path / "lake"), Layout(tmp_path / "other")
    assert read_key(layout) is None

    key = lake_key(layout)

    assert lake_key(layout) == read_key(layout) == key
    assert lake_key(other) != key
    assert layout.key.stat().st_mode & 0o077 == 0


def test_a_key_that_was_cut_is_an_error(tmp_path):
    """Hashes under another key would match nothing, so a damaged key is never made anew."""
    layout = Layout(tmp_path)
    lake_key(layout)
    layout.key.write_bytes(b"short")

    with pytest.raises(CorruptLakeError, match="KEY: has 5 bytes"):
        lake_key(layout)


def test_a_keyed_hash_tells_its_parts_and_its_key_apart():
    """Another key, or the same letters cut elsewhere, give another hash of 32 hex digits."""
    hashes = {keyed(b"a", "x", "yz"), keyed(b"a", "xy", "z"), keyed(b"b", "x", "yz")}

    assert len(hashes) == 3
    assert {len(h) for h in hashes} == {32}
    assert keyed(b"a", "x", "yz") == keyed(b"a", "x", "yz")


def test_a_keyed_hash_takes_a_name_that_is_not_utf_8():
    """A path with escaped bytes is hashed by those bytes."""
    assert keyed(b"k", b"\xff".decode("utf-8", "surrogateescape")) != keyed(b"k", "ÿ")


@pytest.mark.parametrize("forgot", ["forgotten", "about to be", "unreadable", "private"])
def test_a_lost_key_is_never_made_anew(tmp_path, forgot):
    """What was forgotten would come back: the error asks for the old one, and for nothing else."""
    layout = Layout(tmp_path)
    match forgot:
        case "forgotten":
            write_tombstones(layout, Tombstones(contents=frozenset({"a"})))
        case "about to be":
            write_order(layout, Order(items=frozenset({1})))
        case "unreadable":
            layout.tombstones.mkdir()
            (layout.tombstones / "tombstones.json").write_text("{")
        case "private":
            publish(layout, candidate(layout, ["bat"]).model_copy(update={"private": True}))

    for call in (check_key, lake_key):
        with pytest.raises(KeyLostError, match=r"KEY: is missing.*restore it from a copy") as told:
            call(layout)
        assert told.value.exit_code == 7
        assert "mmindex" not in str(told.value)
    assert read_key(layout) is None


def test_a_lake_that_never_hashed_anything_needs_no_key(tmp_path):
    """Nor one of which everything was let in again."""
    layout = Layout(tmp_path)
    publish(layout, candidate(layout, ["bat"]))
    write_tombstones(layout, Tombstones())

    check_key(layout)
    assert Snapshot.open(layout).manifest.private is False
    assert len(lake_key(layout)) == 32
