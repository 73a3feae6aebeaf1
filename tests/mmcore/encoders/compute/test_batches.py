from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmcore.encoders.compute.batches import Batcher, buckets
from mmcore.encoders.compute.meter import metered
from mmcore.errors import DeviceMemoryError
from mmcore.specs import RuntimeSpec


def twice(sizes, most):
    """A model that doubles, writes down its batches, and has memory for ``most`` rows."""

    def run(places):
        sizes.append(len(places))
        if len(places) > most:
            raise torch.OutOfMemoryError
        return torch.tensor([[2.0 * place] for place in places])

    return run


def test_a_batch_without_memory_is_halved_for_good():
    """8 rows that fit by 3: 8 fails, 4 fails, then 2 at once, and so in the next call."""
    sizes = []
    batcher = Batcher("halved", "cpu", 8)
    with metered() as meter:
        rows = batcher.map(twice(sizes, 3), 8)

    assert rows[:, 0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert sizes == [8, 4, 2, 2, 2, 2]
    assert (batcher.most, Batcher("halved", "cpu", 8).most) == (2, 2)
    assert (dict(meter.batches), meter.halved, meter.settled) == ({2: 4}, 2, 2)
    assert meter.rows == 8


def test_what_one_model_learnt_on_a_device_is_its_own():
    """Another model, and another device, begin with their own batch size."""
    Batcher("learnt", "cpu", 8).map(twice([], 2), 8)

    assert Batcher("other", "cpu", 8).most == 8
    assert Batcher("learnt", "cuda:1", 8).most == 8


def test_a_single_row_without_memory_is_an_error():
    """There is nothing to halve."""
    with pytest.raises(DeviceMemoryError, match="single: cpu has no memory for one input"):
        Batcher("single", "cpu", 4).map(twice([], 0), 4)


@pytest.mark.parametrize(
    "said",
    [
        "MPS backend out of memory (MPS allocated: 9.0 GB, max allowed: 9.1 GB)",
        "[enforce fail at alloc_cpu.cpp:125] . DefaultCPUAllocator: can't allocate memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_what_only_the_message_tells_is_halved_too(said):
    """Torch has an error of its own for CUDA's memory alone."""

    def run(places):
        if len(places) > 1:
            raise RuntimeError(said)
        return torch.tensor([[float(place)] for place in places])

    assert Batcher(said[:9], "cpu", 2).map(run, 2)[:, 0].tolist() == [0, 1]


def test_another_error_is_not_taken_for_a_lack_of_memory():
    """A wrong shape stays what it is."""

    def run(places):
        raise RuntimeError("shape '[2]' is invalid")

    with pytest.raises(RuntimeError, match="invalid"):
        Batcher("wrong", "cpu", 2).map(run, 2)


def test_a_setting_counts_more_than_what_suits_the_device():
    """``batch_size`` is the batch; without it a GPU gets more at once than a CPU."""
    assert Batcher.of("m", "cpu", RuntimeSpec(batch_size=7), most=3).most == 7
    assert Batcher.of("m", "cpu", RuntimeSpec(), most=3).most == 3
    assert (
        Batcher.of("m", "cuda:0", RuntimeSpec()).most > Batcher.of("m", "cpu", RuntimeSpec()).most
    )


@given(st.lists(st.integers(0, 600), min_size=1, max_size=80), st.integers(1, 64))
def test_buckets_hold_each_place_once_and_bound_the_tokens(lengths, most):
    """Every text is in one batch; a batch of several has no more tokens, padded, than allowed."""
    found = list(buckets(lengths, most))

    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * longest <= most * 64
        assert len(batch) <= 4 * most


def test_rows_come_back_in_order_when_lengths_change_the_batches():
    """Batches are of like length; the caller sees its own order."""
    rows = Batcher("ordered", "cpu", 2).map(twice([], 99), 5, [3, 500, 1, 64, 64])

    assert rows[:, 0].tolist() == [0, 2, 4, 6, 8]


def test_seconds_are_counted_only_while_somebody_watches():
    """A meter sees what runs in its block, and nothing after it."""
    with metered() as meter:
        Batcher("watched", "cpu", 4).map(twice([], 4), 4)
    before = meter.seconds
    Batcher("watched", "cpu", 4).map(twice([], 4), 4)

    assert before > 0
    assert (meter.seconds, meter.rows) == (before, 4)
    assert np.isfinite(meter.seconds)
