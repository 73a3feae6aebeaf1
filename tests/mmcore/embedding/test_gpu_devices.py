"""On a real GPU: memory, precision, processes. Needs torch and our code alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mmcore.embedding.devices import Apart
from mmcore.embedding.embed import embed
from mmcore.embedding.job import Job
from mmcore.embedding.turns import lock_path
from mmcore.encoders.compute.batches import Batcher
from mmcore.encoders.compute.device import Compute, moved, torch_dtype
from mmcore.encoders.compute.loaded import free, settle
from mmcore.encoders.compute.meter import metered
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.declared import declare
from tests.mmcore.embedding import on_gpu
from tests.mmcore.embedding.test_embed import at_once

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

GPU = "cuda:0"
CUT = SegmentationSpec()


@pytest.fixture
def shards(made, monkeypatch, tmp_path):
    """Two prepared shards of five pictures, for an encoder whose model is on the device."""
    point = {"on-device": "tests.mmcore.embedding.on_gpu:build"}
    declare(monkeypatch, tmp_path / "gpu", "mmindex.encoders", point, name="gpu")
    encoder = on_gpu.build(CUT, RuntimeSpec())
    colours = [(200, 10 * number, 0) for number in range(5)]
    yield [made(*colours, encoder=encoder) for _ in range(2)]
    free()


def test_a_batch_far_too_large_settles_and_finishes():
    """Rows that take 64 MB each, 2 GB allowed: 4096 at once cannot be, fewer are."""
    settle(Compute(GPU, "float32"), RuntimeSpec(device_bytes=2_000_000_000))
    try:
        batcher = Batcher("much too large", GPU, 4096)

        def run(places):
            rows = torch.full((len(places), 16_000_000), 1.0, device=GPU)
            return rows[:, :4] * torch.tensor(list(places), device=GPU)[:, None]

        with metered() as meter:
            rows = batcher.map(run, 4096)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, GPU)
        torch.cuda.empty_cache()

    assert rows[:, 0].tolist() == list(range(4096))
    assert meter.halved
    assert batcher.most == meter.settled <= 32


def test_bfloat16_is_close_to_float32(rng):
    """A network of four layers: cosines of at least 0.999."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(256, 256) for _ in range(4)]
    net = torch.nn.Sequential(*[part for one in layers for part in (one, torch.nn.GELU())])
    inputs = rng.standard_normal((64, 256)).astype(np.float32)
    found = []
    with torch.inference_mode():
        for name in ("float32", "bfloat16"):
            dtype = torch_dtype(Compute(GPU, name))
            out = net.to(GPU, dtype)(moved(inputs, GPU).to(dtype)).float()
            found.append(torch.nn.functional.normalize(out, dim=1).cpu())

    assert (found[0] * found[1]).sum(dim=1).min() > 0.999


def test_a_process_of_the_gpu_gives_the_vectors_of_this_one(shards):
    """It sees one GPU, whose name outside is told."""
    runtime = RuntimeSpec(device=GPU, dtype="float32")
    here = embed(shards[0], CUT, runtime)
    device = Apart(GPU, 0, 2)
    try:
        apart = device.embed(Job(shards[0], CUT, runtime), on_gpu.build(CUT, runtime))
    finally:
        device.close(until=0)

    np.testing.assert_allclose(here.vectors, apart.vectors, atol=1e-5)
    assert here.work.device == apart.work.device == apart.compute["device"] == GPU


def test_two_processes_take_turns_on_one_gpu(shards):
    """Both finish; the file that they lock is the card's, whatever its number."""
    runtime = RuntimeSpec(device=GPU, dtype="float32")
    encoder = on_gpu.build(CUT, runtime)
    devices = [Apart(GPU, number, 2) for number in range(2)]
    try:
        with ThreadPoolExecutor(2) as pool:
            jobs = [Job(shard, CUT, runtime) for shard in shards]
            found = list(pool.map(lambda one, job: one.embed(job, encoder), devices, jobs))
    finally:
        for device in devices:
            device.close(until=0)

    for one, shard in zip(found, shards, strict=True):
        np.testing.assert_allclose(one.vectors, embed(shard, CUT, runtime).vectors, atol=1e-5)
    assert lock_path(GPU).exists()
    assert str(torch.cuda.get_device_properties(GPU).uuid) in lock_path(GPU).name


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_every_gpu_works(shards):
    """Two shards at once are on two cards."""
    found = at_once(shards, RuntimeSpec(device="cuda:0,cuda:1", dtype="float32"))

    assert {one.work.device for one in found} == {"cuda:0", "cuda:1"}
