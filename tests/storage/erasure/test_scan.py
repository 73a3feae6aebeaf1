import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.erasure import scan
from storage.erasure.scan import Scanner

PATTERNS = st.lists(st.binary(min_size=4, max_size=9), max_size=5)


@given(PATTERNS, st.binary(max_size=60), st.data())
def test_a_scanner_finds_what_bytes_find(patterns, data, draw):
    """It says of each pattern what `in` says, wherever the pattern stands."""
    for pattern in draw.draw(st.lists(st.sampled_from(patterns), max_size=2)) if patterns else ():
        place = draw.draw(st.integers(0, len(data)))
        data = data[:place] + pattern + data[place:]

    assert Scanner(patterns).found_in(data) == {p for p in patterns if p in data}


def test_a_pattern_across_two_blocks_is_found(monkeypatch):
    """Blocks of a file overlap by what the longest pattern needs."""
    monkeypatch.setattr(scan, "_BLOCK", 8)
    data = b"0123456secret89"

    for read in (8, 9, 10, 11):
        monkeypatch.setattr(scan, "_BLOCK", read)
        assert Scanner([b"secret", b"absent"]).found_in_file(io.BytesIO(data)) == ({b"secret"}, 15)
        assert Scanner([b"secret"]).found_in(data) == {b"secret"}


def test_a_short_pattern_is_refused():
    """Three bytes stand in any large file."""
    with pytest.raises(ValueError, match="3 bytes"):
        Scanner([b"abc"])


def test_no_pattern_is_found_nowhere():
    """Nothing to look for is nothing found, and the bytes are counted all the same."""
    assert Scanner([]).found_in_file(io.BytesIO(b"12345")) == (set(), 5)
