"""Toy pairs, small random checkpoints, and trainings that several tests look at."""

from __future__ import annotations

import shutil
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.training.finetuning.train import finetune
from tests.checkpoints import checkpoint
from tests.made import toy_pairs
from tests.made.checkpoints.clip import make_openai
from tests.threads import one_thread

RATES = {"lora": 1e-2, "last-blocks": 2e-3}
CLAP_RATES = {"lora": 3e-3, "last-blocks": 1e-3}


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads would only wait for each other over matrices this small."""
    with one_thread():
        yield


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder for all trainings."""
    return tmp_path_factory.mktemp("finetuning")


@pytest.fixture(scope="session")
def pictures(place):
    """48 pictures with captions."""
    return toy_pairs.pictures(place / "pictures")


@pytest.fixture(scope="session")
def sounds(place):
    """36 sounds with captions."""
    return toy_pairs.sounds(place / "sounds")


@pytest.fixture(scope="session")
def base(place):
    """The small checkpoint of a preset; of SigLIP 2 with a scale and a bias as trained ones.

    Of open_clip that with OpenAI's tokeniser: the other's is learnt, and not twice the same.
    """

    @cache
    def made(preset):
        if preset == "clip":
            return make_openai(place / "base-clip")
        found = checkpoint(preset)
        if preset != "siglip2":
            return found
        folder = place / "base-siglip2"
        shutil.copytree(found, folder)
        state = load_file(folder / "model.safetensors")
        state |= {"logit_scale": torch.tensor([2.3]), "logit_bias": torch.tensor([-3.0])}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return made


@pytest.fixture(scope="session")
def spec():
    """Few pairs to learn from, many to judge by; fields may be named."""

    def made(**fields):
        usual = {"epochs": 10, "batch_size": 16, "patience": 20, "warmup": 0.0, "device": "cpu"}
        return FinetuneSpec(**{**usual, "held_out": 0.3, "validation": 0.3, **fields})

    return made


@pytest.fixture(scope="session")
def trained(place, base, pictures, sounds, spec):
    """A training of a preset by a method, run once."""

    @cache
    def made(preset, method):
        rates = CLAP_RATES if preset == "clap" else RATES
        source = sounds if preset == "clap" else pictures
        wanted = spec(method=method, learning_rate=rates[method], keep_anyway=preset == "clap")
        return finetune(preset, base(preset), source, place / f"{preset}-{method}", wanted)

    return made


@pytest.fixture(scope="session")
def tune(base, pictures, spec):
    """Fine-tunes a preset on the pictures, by fields of the spec."""

    def made(preset, to, **fields):
        return finetune(preset, base(preset), pictures, to, spec(**fields))

    return made
