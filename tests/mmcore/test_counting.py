"""One file, two files."""

import pytest

from mmcore.counting import Number, number_of, numbered


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (2000, "2,000 files")]
)
def test_of_one_there_is_no_plural(count, told):
    """By a call, and in a sentence that is filled."""
    assert number_of(count, "file") == told
    assert "{n} {n:file|files}".format(n=Number(count)) == told


def test_a_plural_may_be_told():
    """Where it is not the singular with an s."""
    assert [number_of(n, "index", "indexes") for n in (1, 2)] == ["1 index", "2 indexes"]


def test_numbers_keep_their_own_formats():
    """And what is no whole number stays as it is."""
    facts = numbered({"n": 1200, "share": 0.5, "sure": True, "name": "cat"})

    assert "{n:>6} {n:.1f} {share} {sure} {name}".format(**facts) == "  1200 1200.0 0.5 True cat"
