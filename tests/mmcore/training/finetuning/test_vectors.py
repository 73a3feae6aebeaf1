import re

import numpy as np
import pytest
import torch

from mmcore.encoders.compute.device import Compute
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec
from mmcore.training.finetuning.families import FAMILIES, encoders_for
from mmcore.training.finetuning.inputs import Inputs
from mmcore.training.finetuning.pairs import pairs_of
from mmcore.training.finetuning.parameters import learning
from mmcore.training.finetuning.vectors import Embedder
from tests.checkpoints import checkpoint

TEXTS = [
    "red left on white",
    "一只青蛙坐在雨中的绿叶上。",
    "A frog sits on a leaf, UP high. " * 12,
]


def opened(preset, folder):
    """The preset's encoders, and its model that learns."""
    runtime = RuntimeSpec(device="cpu", dtype="float32", models={preset: str(folder)})
    texts, media = encoders_for(preset, runtime)
    joint = FAMILIES[preset].open(runtime, Compute("cpu", "float32"), media.recipe)
    inputs = Inputs(media, 4, 10**8)
    return texts, media, Embedder(joint, inputs, texts.most, 16, "cpu", amp=True)


@pytest.mark.parametrize("preset", sorted(FAMILIES))
def test_what_is_trained_is_what_the_encoder_computes(preset, pictures, sounds, spec):
    """Texts (long ones in windows), pictures and sounds have the encoder's own vectors."""
    modality = FAMILIES[preset].modality
    source = sounds if preset == "clap" else pictures
    texts, media, embedder = opened(preset, checkpoint(preset))
    contents = [pair.contents[0] for pair in pairs_of(source, modality, spec()).splits["test"]]
    arrays = np.concatenate(embedder.inputs.all_of(contents[:5]))

    said, seen = embedder.bare(TEXTS, arrays)

    np.testing.assert_allclose(said, texts.encode(TEXTS), atol=1e-4)
    np.testing.assert_allclose(seen, media.encode(arrays), atol=1e-4)


@pytest.mark.parametrize("preset", sorted(FAMILIES))
@pytest.mark.parametrize("method", ["lora", "last-blocks"])
def test_gradients_reach_both_towers(preset, method, pictures, sounds, spec):
    """Each parameter that is to learn gets a gradient, and no other parameter does."""
    source = sounds if preset == "clap" else pictures
    _, _, embedder = opened(preset, checkpoint(preset))
    pairs = pairs_of(source, FAMILIES[preset].modality, spec()).splits["test"][:3]
    learnt = learning(embedder.joint, spec(method=method, blocks=1))
    arrays = np.concatenate([embedder.inputs.of(pair.contents[0]) for pair in pairs])

    loss = (embedder.texts([pair.captions[0] for pair in pairs]) * embedder.media(arrays)).sum()
    torch.autograd.backward(loss)

    assert all(one.grad is not None for one in learnt.weights.values())
    asked = {id(one) for one in embedder.joint.model.parameters() if one.requires_grad}
    assert asked == {id(one) for one in learnt.weights.values()}
    towers = [tower.blocks for tower in embedder.joint.towers]
    assert all(any(re.search(tower, name) for name in learnt.weights) for tower in towers)


def test_an_unknown_architecture_is_told(spec):
    """A model without the blocks that are looked for is a ConfigError."""
    _, _, embedder = opened("siglip2", checkpoint("siglip2"))
    embedder.joint.model.text_model.encoder = torch.nn.Identity()
    with pytest.raises(ConfigError, match="blocks"):
        learning(embedder.joint, spec(method="last-blocks"))
