from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch

from mmcore.encoders.compute import loaded as module
from mmcore.encoders.compute.device import Compute
from mmcore.encoders.compute.loaded import free, loaded, settle
from mmcore.specs import RuntimeSpec

CPU = Compute("cpu", "float32")


class Weights:
    """What a model holds."""


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch):
    """No model of other tests, and none left to them."""
    monkeypatch.setattr(module, "_loaded", {})


def test_a_model_is_loaded_once_for_a_device_and_a_dtype():
    """The same name on another device, or in another precision, is another model."""
    first = loaded(("m", CPU), Weights)

    assert loaded(("m", CPU), Weights) is first
    assert loaded(("m", Compute("cpu", "bfloat16")), Weights) is not first
    assert loaded(("other", CPU), Weights) is not first


def test_freed_models_leave_the_memory():
    """Nothing holds them any more, and the next call loads again."""
    first = weakref.ref(loaded(("m", CPU), Weights))
    assert first() is not None
    free()
    gc.collect()

    assert first() is None
    assert isinstance(loaded(("m", CPU), Weights), Weights)


def test_the_memory_of_a_gpu_is_bounded_as_a_share_of_it(monkeypatch):
    """A quarter of 8 GB; more than there is, is all of it."""
    asked = []
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=8_000)
    )
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *told: asked.append(told)
    )
    for most in (2_000, 9_000):
        settle(Compute("cuda:1", "float32"), RuntimeSpec(device_bytes=most))
    settle(Compute("cuda:1", "float32"), RuntimeSpec())

    assert asked == [(0.25, "cuda:1"), (1.0, "cuda:1")]


def test_the_memory_of_apples_gpu_is_bounded_too(monkeypatch):
    """As a share of what the system recommends."""
    asked = []
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 8_000)
    monkeypatch.setattr(torch.mps, "set_per_process_memory_fraction", asked.append)
    settle(Compute("mps", "float32"), RuntimeSpec(device_bytes=2_000))

    assert asked == [0.25]


def test_threads_are_those_of_the_setting(monkeypatch):
    """None leaves torch's own number."""
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    settle(CPU, RuntimeSpec())
    settle(CPU, RuntimeSpec(threads=3))

    assert asked == [3]
