from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.compute import device
from mmcore.encoders.compute.device import (
    Compute,
    compute_of,
    cpu_flags,
    device_of,
    devices_of,
    moved,
)
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


def having(monkeypatch, gpus=0, *, mps=False):
    """A machine with so many GPUs."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("auto", ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda", ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda:1", ("cuda:1",)),
        ("cuda:2, cuda:0", ("cuda:2", "cuda:0")),
        ("cuda:1,cuda:1", ("cuda:1",)),
        ("cuda:1,cuda", ("cuda:1", "cuda:0", "cuda:2")),
        ("cpu", ("cpu",)),
        ("cpu,cpu", ("cpu", "cpu")),
    ],
)
def test_devices_are_those_that_are_named(monkeypatch, wanted, found):
    """Each GPU once, in the order of the setting; the CPU as often as it is named."""
    having(monkeypatch, 3)

    assert devices_of(wanted) == found
    assert device_of(wanted) == found[0]


def test_auto_takes_what_there_is(monkeypatch):
    """GPUs, else Apple's, else the CPU."""
    having(monkeypatch, 0, mps=True)
    assert devices_of("auto") == devices_of("mps,mps") == ("mps",)
    having(monkeypatch)
    assert devices_of("auto") == ("cpu",)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("mps", "'mps' is not there"),
        ("cuda:2", r"'cuda:2' is not there \(2 CUDA devices\)"),
        ("cuda:0,cuda:5", "'cuda:5' is not there"),
        ("cuda:-1", "no device 'cuda:-1'"),
        ("cuda:0,", "no device ''"),
        ("auto,cpu", "no device 'auto'"),
        ("cpu,cuda:0", "not both"),
    ],
)
def test_no_device_is_replaced_by_another(monkeypatch, wanted, said):
    """One that is missing among several is an error too; so are CPU and GPU in one run."""
    having(monkeypatch, 2)

    with pytest.raises(ConfigError, match=said):
        devices_of(wanted)


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    """There are none to take all of."""
    having(monkeypatch)

    with pytest.raises(ConfigError, match=r"'cuda' is not there \(0 CUDA devices\)"):
        devices_of("cuda")


@pytest.mark.parametrize(("generation", "dtype"), [(7, "float32"), (8, "bfloat16")])
def test_a_gpu_takes_bfloat16_from_ampere_on(monkeypatch, generation, dtype):
    """Those before multiply it by detours."""
    import torch

    having(monkeypatch, 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (generation, 0))

    assert compute_of(RuntimeSpec(device="cuda")) == Compute("cuda:0", dtype)


def test_apples_gpu_computes_in_float32(monkeypatch):
    """Nobody has measured whether bfloat16 is faster there; a setting still has it."""
    having(monkeypatch, mps=True)

    assert compute_of(RuntimeSpec(device="mps")) == Compute("mps", "float32")
    assert compute_of(RuntimeSpec(device="mps", dtype="bfloat16")).dtype == "bfloat16"


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
def test_an_array_is_moved_as_it_is(dtype):
    """A copy of any layout, read-only arrays too, in the dtype of the array."""
    array = np.arange(12).astype(dtype).reshape(3, 4).T
    array.flags.writeable = False
    found = moved(array, "cpu")
    found.zero_()

    assert moved(array, "cpu").numpy().dtype == dtype
    np.testing.assert_array_equal(moved(array, "cpu").numpy(), array)
    assert array.any()


@pytest.mark.parametrize("cut", [np.s_[:], np.s_[::-1], np.s_[:, 1:3], np.s_[:0]])
def test_an_array_that_may_not_be_written_to_is_moved(cut):
    """Without torch's warning, in its order, and without a change of it."""
    array = np.arange(24, dtype=np.float32).reshape(6, 4)
    array.flags.writeable = False
    found = moved(array[cut], "cpu")

    np.testing.assert_array_equal(found.numpy(), array[cut])
    found += 1
    assert array.sum() == np.arange(24).sum()


def test_a_gpu_gets_an_array_by_one_copy(monkeypatch):
    """It is written into pinned memory at once, which is what goes to the GPU."""
    import torch

    empty, made, sent = torch.empty, [], []

    def pinned(*told, pin_memory, **named):
        made.append(pin_memory)
        return empty(*told, **named)

    def to(tensor, device, *, non_blocking):
        sent.append((device, non_blocking, tensor.clone()))
        return tensor

    monkeypatch.setattr(torch, "empty", pinned)
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(torch.Tensor, "pin_memory", None)  # a second copy
    moved(np.arange(6).reshape(2, 3), "cuda:1")

    assert made == [True]
    assert sent[0][:2] == ("cuda:1", True)
    assert sent[0][2].tolist() == [[0, 1, 2], [3, 4, 5]]
