from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders import device
from mmcore.encoders.device import Batcher, Compute, compute_of, cpu_flags, device_of
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec


def flags(tmp_path, line):
    """What is read from a cpuinfo with that line."""
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor : 0\n{line}\nbugs :\n")
    return cpu_flags(file)


def test_flags_are_read_from_the_system(tmp_path):
    """The words behind ``flags`` are what the CPU can do; no file, no flag."""
    assert flags(tmp_path, "flags\t\t: fpu avx512_bf16 amx_tile") == {
        "fpu",
        "avx512_bf16",
        "amx_tile",
    }
    assert cpu_flags(tmp_path / "missing") == frozenset()


@pytest.mark.parametrize(
    ("found", "dtype"),
    [
        ({"avx512_bf16"}, "bfloat16"),
        ({"amx_bf16"}, "bfloat16"),
        ({"avx2"}, "float32"),
        ((), "float32"),
    ],
)
def test_a_cpu_takes_bfloat16_where_it_multiplies_it(monkeypatch, found, dtype):
    """Without the instructions bfloat16 would be slower by far, so float32 it is."""
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset(found))

    assert compute_of(RuntimeSpec(device="cpu")) == Compute("cpu", dtype)


def test_a_setting_beats_probing():
    """A dtype that is asked for is used."""
    assert compute_of(RuntimeSpec(device="cpu", dtype="bfloat16")).dtype == "bfloat16"
    assert compute_of(RuntimeSpec(device="cpu", dtype="float32")).dtype == "float32"


@pytest.mark.parametrize("spec", [{"device": "tpu"}, {"device": "cuda:x"}, {"dtype": "int8"}])
def test_what_does_not_exist_is_refused(spec):
    """An unknown device or dtype is a ConfigError, not a fall back."""
    with pytest.raises(ConfigError):
        compute_of(RuntimeSpec(**{"device": "cpu", **spec}))


def test_a_device_that_is_not_there_is_refused():
    """CUDA is never silently replaced by the CPU."""
    with pytest.raises(ConfigError, match="not there"):
        device_of("cuda:99")


def test_a_batch_without_memory_is_halved_for_good():
    """8 rows that fit by 3: 8 fails, 4 fails, then 2 at once, and so from then on."""
    import torch

    sizes = []

    def run(part):
        sizes.append(len(part))
        if len(part) > 3:
            raise torch.OutOfMemoryError
        return part * np.float32(2)

    batcher = Batcher(8)
    rows = np.arange(8, dtype=np.float32)

    assert batcher.map(run, rows).tolist() == (rows * 2).tolist()
    assert sizes == [8, 4, 2, 2, 2, 2]
    assert batcher.most == 2


def test_a_single_row_without_memory_is_an_error():
    """There is nothing to halve."""
    import torch

    def run(part):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Batcher(4).map(run, np.zeros(4, dtype=np.float32))
