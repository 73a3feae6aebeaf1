import pytest

from storage.errors import CorruptLakeError
from storage.keys import keyed, lake_key, read_key
from storage.layout import Layout


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
