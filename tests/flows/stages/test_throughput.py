from __future__ import annotations

from pathlib import Path

import pytest

from flows.config.index import StageWork
from flows.engines.lanes import shards_at_once
from flows.stages.embedding import stage_names
from flows.stages.throughput import Throughput, line
from mmcore.embedding.embedding import Work
from mmcore.types import EncoderKey
from storage.schemas import Modality
from tasks.embed import Embedded


def key(name, modality=Modality.IMAGE):
    """The key of an encoder."""
    return EncoderKey(modality, name, "0" * 16, name, 4, (modality,))


A, B = key("a"), key("b", Modality.TEXT)


def done(of, began, ended, **work):
    """A shard of ten segments that a device had from ``began`` to ``ended``."""
    told = {"device": "cpu", "dtype": "float32", "seconds": 1.0, "batches": {5: 2}, **work}
    return Embedded(of, Path("part"), 10, 10, 0, Work(began=began, ended=ended, **told))


def told(*shards, began=100.0):
    """The figures of some shards; those that end later may come first."""
    found = Throughput(began)
    for shard in shards:
        found.add(shard)
    return found


def test_figures_are_added_up():
    """Segments, seconds, batches; the smallest size that memory allowed counts."""
    found = told(
        done(A, 100, 102, settled=64, halved=1), done(A, 102, 104, batches={5: 1, 4: 1}, settled=8)
    ).of(A, 8.0)

    assert (found.segments, found.rate, found.model_seconds) == (20, 2.5, 2.0)
    assert found.batches == {4: 1, 5: 3}
    assert (found.halved, found.settled) == (1, 8)
    assert (found.busy, found.devices, found.dtype) == (0.25, ("cpu",), "float32")


def test_two_devices_are_half_as_busy_each():
    """The share is of the time of all devices that the model ran on, also of two of one name."""
    found = told(done(A, 100, 102, slot=0), done(A, 100, 102, slot=1)).of(A, 4.0)

    assert found.busy == 0.25
    assert found.devices == ("cpu", "cpu")


def test_a_device_waits_for_the_shard_that_comes_next():
    """From the start of the stage and between shards, each wait laid to who ended it."""
    found = told(
        done(A, 110, 115),  # told first, although the other was embedded before
        done(B, 102, 107),
        done(A, 101, 103, slot=1),
    )

    assert found.of(B, 20).waited == 2
    assert found.of(A, 20).waited == 3 + 1


def test_a_stage_without_time_has_no_rate():
    """Nothing is divided by zero."""
    found = told(done(A, 100, 100)).of(A, 0.0)

    assert (found.rate, found.busy) == (0.0, 0.0)


def work(**fields):
    """Figures as a line tells them."""
    told = {
        "segments": 480,
        "seconds": 12.3,
        "rate": 39.02,
        "model_seconds": 10.8,
        "busy": 0.881,
        "waited": 0.71,
        "batches": {16: 30},
        "devices": ("cpu",),
        "dtype": "bfloat16",
    }
    return StageWork(**{**told, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {},
            "480 segments, 39.0/s, cpu bfloat16 88 % busy, waited 0.7 s, batches 30×16",
        ),
        (
            {"devices": ("cuda:0", "cuda:1"), "settled": 8, "batches": {}},
            "480 segments, 39.0/s, cuda:0 cuda:1 bfloat16 88 % busy, waited 0.7 s, no memory for"
            " more than 8 at once",
        ),
        (
            {"devices": ("cpu", "cpu"), "batches": {1: 1, 2: 2, 3: 9, 4: 5, 5: 1}},
            "480 segments, 39.0/s, 2×cpu bfloat16 88 % busy, waited 0.7 s, batches 9×3 5×4 2×2"
            " and 2 others",
        ),
    ],
)
def test_a_line_says_it(fields, said):
    """Rate, devices, waiting, the commonest batches, and what memory allowed."""
    assert line(work(**fields)) == said


def test_as_json_and_back():
    """Figures are kept as JSON, whose keys are texts."""
    assert StageWork.model_validate_json(work().model_dump_json()) == work()


def test_a_part_is_written_while_each_device_has_a_shard():
    """One more than there are devices; beside GPUs the CPU is one."""
    assert shards_at_once(("cpu",)) == 2
    assert shards_at_once(("cpu", "cpu")) == 3
    assert shards_at_once(("cuda:0", "cuda:1")) == 4


def test_two_encoders_of_a_modality_have_stages_of_their_own():
    """Else the end of one would be the other's."""
    other = key("c", Modality.TEXT)

    assert stage_names((A, B)) == {A: "embed image", B: "embed text"}
    assert stage_names((A, B, other)) == {
        A: "embed image",
        B: "embed text (b)",
        other: "embed text (c)",
    }
