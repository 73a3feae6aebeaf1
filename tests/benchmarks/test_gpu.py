import numpy as np
import pytest

from benchmarks import gpu, gpu_training
from benchmarks.gpu_models import SHAPES, inputs_of, token_batches
from mmcore.specs import RuntimeSpec

CPU = RuntimeSpec(device="cpu", dtype="float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny-siglip2", "tiny-e5"])
def test_an_encoder_is_measured_beside_bare_loops(name, tmp_path):
    """Rates of all three, and vectors that are those of the CPU."""
    told = gpu.encoder(name, tmp_path, CPU, 40)

    assert min(told[f"{how}_per_s"] for how in ("ours", "module", "loop")) > 0
    assert told["same bits twice"]
    assert told["centred cosine, least"] > 0.9999
    assert sum(int(rows) * count for rows, count in told["batches"].items()) == 40


@pytest.mark.slow
def test_the_bare_loop_computes_what_the_encoder_does(tmp_path):
    """The same directions, so that like is compared with like."""
    case = gpu.Case("tiny-siglip2", tmp_path, CPU, 12)
    (batch,) = gpu._batches(case, 12)
    bare = SHAPES["tiny-siglip2"].bare(case.folder, "cpu", case.dtype)
    theirs = bare(gpu._to(batch, "cpu")).detach().numpy()
    ours = case.encode()

    np.testing.assert_allclose(
        theirs / np.linalg.norm(theirs, axis=1, keepdims=True), ours, atol=1e-5
    )


@pytest.mark.slow
def test_batches_of_tokens_keep_to_their_number(tmp_path):
    """All texts, the longest first, none of more tokens than are allowed."""
    folder = SHAPES["tiny-e5"].make(tmp_path / "e5")
    texts = inputs_of(gpu.Case("tiny-e5", tmp_path, CPU, 2).encoder, 50)
    batches = token_batches(folder, texts, 1024)

    assert sum(len(ids) for ids, _ in batches) == 50
    assert all(ids.size <= 1024 or len(ids) == 1 for ids, _ in batches)
    lengths = [int(mask.sum(axis=1).max()) for _, mask in batches]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.slow
def test_a_fine_tuning_is_measured_beside_a_bare_loop(tmp_path):
    """Both methods learn, and have a time of a step."""
    told = gpu_training.finetune("tiny-siglip2", tmp_path, CPU, 120)

    for method in gpu_training.METHODS:
        assert told[method]["loss"][-1] < told[method]["loss"][0]
        assert told[method]["step_ms"] > 0
        assert told[method]["bare_step_ms"] > 0


@pytest.mark.slow
def test_towers_are_measured_resumed(tmp_path):
    """On a CPU a training that went on has the losses of one that was not interrupted."""
    told = gpu_training.towers("towers", tmp_path, CPU, 1)

    assert told["resumed: losses apart, most"] == told["again: losses apart, most"] == 0
    assert told["bare_step_ms"] > 0
