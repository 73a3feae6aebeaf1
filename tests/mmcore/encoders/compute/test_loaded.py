from __future__ import annotations

import gc
import threading
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


@pytest.fixture
def slow():
    """Another thread that loads a model, and the event that lets it finish."""
    begun, go = threading.Event(), threading.Event()
    found = []

    def load():
        begun.set()
        assert go.wait(30)
        return Weights()

    thread = threading.Thread(target=lambda: found.append(loaded(("slow", CPU), load)))
    thread.start()
    assert begun.wait(30)
    yield thread, go, found
    go.set()
    thread.join(30)


def test_a_loaded_model_waits_for_no_other(slow, monkeypatch):
    """Texts are searched while a large model of pictures is loaded."""
    _, go, found = slow
    quick = Weights()
    monkeypatch.setitem(module._loaded, ("quick", CPU), quick)

    assert loaded(("quick", CPU), Weights) is quick
    assert not go.is_set()
    assert not found


def test_a_model_that_is_being_loaded_does_not_outlive_its_run(slow):
    """What is freed meanwhile waits for it: who asked for it has it, and nobody else."""
    thread, go, found = slow
    freeing = threading.Thread(target=free)
    freeing.start()
    go.set()
    freeing.join(30)
    thread.join(30)

    assert isinstance(found[0], Weights)
    assert not module._loaded


def test_a_model_that_cannot_be_loaded_is_tried_again():
    """The next caller loads it."""
    with pytest.raises(ZeroDivisionError):
        loaded(("m", CPU), lambda: 1 / 0)

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
