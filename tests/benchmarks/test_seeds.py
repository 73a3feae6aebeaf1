"""Tests of benchmarks/seeds.py."""

import pytest

from benchmarks.seeds import SEEDS
from mmcore.media.sniff import HEAD, sniff


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_a_file_that_is_read_and_the_same_each_time(name):
    """What a number makes can be made again, and no other number makes it."""
    data = SEEDS[name](7)

    assert sniff(data[:HEAD]) is not None
    assert SEEDS[name](7) == data
    assert SEEDS[name](8) != data
