"""What mutations do, and when a neighbour counts as lost."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz import MUTATIONS, cut_off, double_stretch, same, zero_stretch

FILES = st.binary(min_size=2, max_size=200)
NUMBERS = st.integers(min_value=0, max_value=2**32)


@given(data=FILES, number=NUMBERS)
def test_a_mutation_is_decided_by_its_seed(data, number):
    """Equal bytes and an equal state of the generator give equal bytes."""
    for mutate in MUTATIONS:
        assert mutate(data, random.Random(number)) == mutate(data, random.Random(number))


@given(data=FILES, number=NUMBERS)
def test_a_file_that_is_cut_off_is_a_beginning(data, number):
    """What is left is how the file began, or it all when it was short."""
    assert data.startswith(cut_off(data, random.Random(number)))


@given(data=FILES, number=NUMBERS)
def test_a_hole_keeps_the_length_and_doubling_adds_to_it(data, number):
    """Zeroing leaves as many bytes; saying a stretch twice makes more of them."""
    assert len(zero_stretch(data, random.Random(number))) == len(data)
    assert len(double_stretch(data, random.Random(number))) > len(data)


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        ({7: [1.0, 0.0]}, True),
        ({7: [0.9999, 0.0]}, True),
        ({7: [0.99, 0.0]}, False),
        ({8: [1.0, 0.0]}, False),
        ({7: [1.0, 0.0], 8: [1.0, 0.0]}, False),
        ({}, False),
    ],
)
def test_a_neighbour_is_there_with_its_segments_and_their_vectors(other, equal):
    """Another segment, a segment more or less, or another vector: the neighbour is lost."""
    alone = {segment: np.array(vector, np.float32) for segment, vector in other.items()}

    assert same({7: np.array([1.0, 0.0], np.float32)}, alone) is equal
