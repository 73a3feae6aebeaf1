from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmcore.encoders.compute import batches
from mmcore.encoders.compute.batches import Batcher, forget
from mmcore.encoders.compute.meter import metered
from mmcore.errors import DeviceMemoryError
from mmcore.specs import RuntimeSpec


@pytest.fixture(autouse=True)
def nothing_settled():
    """What other tests had no memory for is forgotten, and so is this one's."""
    forget()
    yield
    forget()


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


def cut(batcher, lengths):
    """The lengths of each batch that the batcher makes of rows of such lengths."""
    found = []

    def run(places):
        found.append([lengths[place] for place in places])
        return torch.tensor([[float(place)] for place in places])

    assert batcher.map(run, len(lengths), lengths)[:, 0].tolist() == list(range(len(lengths)))
    return found


def fitting(sizes, tokens):
    """A model with memory for so many tokens of a batch, padded, that writes batches down."""

    def made(lengths):
        def run(places):
            longest = max(lengths[place] for place in places)
            sizes.append((len(places), longest))
            if len(places) * longest > tokens:
                raise torch.OutOfMemoryError
            return torch.tensor([[float(place)] for place in places])

        return run

    return made


def test_a_setting_counts_more_than_what_suits_the_device():
    """``batch_size`` is the batch; without it a GPU gets more at once than a CPU."""
    assert Batcher.of("m", "cpu", RuntimeSpec(batch_size=7), most=3).most == 7
    assert Batcher.of("m", "cpu", RuntimeSpec(), most=3).most == 3
    assert (
        Batcher.of("m", "cuda:0", RuntimeSpec()).most > Batcher.of("m", "cpu", RuntimeSpec()).most
    )


def test_what_suits_a_model_on_a_cpu_says_nothing_of_gpus():
    """A GPU has its usual number, whatever was measured on a CPU."""
    usual = Batcher.of("m", "cuda:0", RuntimeSpec()).most

    assert Batcher.of("m", "cuda:0", RuntimeSpec(), most=4).most == usual


def test_a_setting_is_the_most_rows_there_are():
    """Also of short ones, of which there are else up to four times as many as usual."""
    asked = Batcher.of("asked", "cpu", RuntimeSpec(batch_size=8))
    usual = Batcher.of("usual", "cpu", RuntimeSpec(), most=8)

    assert [len(batch) for batch in cut(asked, [2] * 32)] == [8] * 4
    assert [len(batch) for batch in cut(usual, [2] * 32)] == [32]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=80), st.integers(1, 64))
def test_batches_bound_the_tokens(lengths, most):
    """A batch of several rows has no more tokens, padded, than allowed; and not too many rows."""
    for batch in cut(Batcher("bounded", "cpu", most), lengths):
        assert len(batch) == 1 or len(batch) * max(batch) <= most * 64
        assert len(batch) <= 4 * most


def test_long_rows_without_memory_leave_short_ones_together():
    """Two texts of 8192 tokens are too many: one of them is as much as 128 of 64."""
    sizes, lengths = [], [8192, 8192]
    batcher = Batcher("long", "cuda:0", 256)
    model = fitting(sizes, 8192)
    batcher.map(model(lengths), 2, lengths)
    batcher.map(model([64] * 256), 256, [64] * 256)

    assert sizes == [(2, 8192), (1, 8192), (1, 8192), (128, 64), (128, 64)]


def test_short_rows_without_memory_are_learnt_from():
    """Four times the usual number of short ones fails once, not in each call."""
    sizes, lengths = [], [10] * 32
    model = fitting(sizes, 160)
    for _ in range(2):
        Batcher("short", "cpu", 8).map(model(lengths), 32, lengths)

    assert sizes == [(32, 10), *[(16, 10)] * 4]


def test_later_batches_of_a_call_know_of_its_first():
    """A call's second long batch is not tried at the size that failed."""
    sizes, lengths = [], [64] * 16
    with metered() as meter:
        Batcher("one call", "cpu", 8).map(fitting(sizes, 300)(lengths), 16, lengths)

    assert sizes == [(8, 64), *[(4, 64)] * 4]
    assert (meter.halved, meter.settled, meter.rows) == (1, 4, 16)


def test_rows_with_lengths_say_nothing_of_rows_without():
    """Tokens and rows are settled apart."""
    sizes, lengths = [], [640, 640]
    batcher = Batcher("apart", "cpu", 20)
    batcher.map(fitting(sizes, 640)(lengths), 2, lengths)

    assert (batcher.most, batcher.tokens) == (20, 640)


def test_a_single_row_without_memory_settles_nothing():
    """The next one may fit: batches stay as they are."""
    batcher = Batcher("one giant", "cpu", 4)
    with pytest.raises(DeviceMemoryError):
        batcher.map(fitting([], 300)([301]), 1, [301])

    assert batcher.tokens == 256


def test_what_failed_is_gone_before_memory_is_given_back(monkeypatch):
    """Its tensors would else be kept by the error's traceback, and their memory with them."""
    kept, left = [], []
    monkeypatch.setattr(
        batches, "give_back", lambda _: left.extend(one() is not None for one in kept)
    )

    def run(places):
        half_done = torch.ones(len(places), 3)
        kept.append(weakref.ref(half_done))
        if len(places) > 1:
            raise torch.OutOfMemoryError
        return half_done

    Batcher("given back", "cpu", 2).map(run, 2)

    assert left == [False]


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
