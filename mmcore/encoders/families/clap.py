"""CLAP (Wu et al., 2023, arXiv:2211.06687): sounds and English texts in one space.

The sound tower is HTSAT; windows are taken whole, in fixed cuts (clap_mel). Of a "fusion"
checkpoint each cut is an input of at most ten seconds, which its second path (``is_longer``, for
longer ones) is not used for. The library uses that path for one clip of each batch at random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, inferring, moved, torch_dtype
from mmcore.encoders.families.clap_files import dim_of, pad_of, recipe_of, tokens_of
from mmcore.encoders.families.config import config_of
from mmcore.encoders.families.hub import check_extra, read_model
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.tokenisers import read_tokeniser
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import TextEncoder, TextModel, Tokens, padded
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

Embed = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

NAME: Final = "clap"
VERSION: Final = 1
CLIPS: Final = 4
"""Clips of a batch on a CPU: 53 ms of it each (bfloat16); alone 72, of eight 58,
which leave the cache."""

PRESET: Final = Preset(
    encoders=("clap-text", "clap-audio"),
    about="sounds and texts in one space (CLAP)",
    languages="en",
    extra="hub",
    releases=(
        Release(
            "hub",
            "laion/clap-htsat-fused",
            "Apache-2.0",
            revision="365dea6ef167def6676140ed93bbc43f84dabb28",
            bytes=614_496_152,
            dim=512,
            sha256={
                "model.safetensors": (
                    "3f648de6d030e17494be455d323b8d191233fbae0c7ce0ba745fd21a926a63a6"
                )
            },
        ),
        Release(
            "hub",
            "laion/clap-htsat-unfused",
            "Apache-2.0",
            revision="8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a",
            bytes=614_525_833,
            dim=512,
            sha256={
                "pytorch_model.bin": (
                    "1cd3c601bc4afe0fa87be3de4c13dd2cfadd249fac1e29acf74a9b296c3219bb"
                )
            },
        ),
        Release(
            "hub",
            "laion/larger_clap_general",
            "Apache-2.0",
            revision="16c8cc3159a3c8a31e8ff5ef1f66b0d9ab3667db",
            bytes=776_000_000,
            dim=512,
        ),
    ),
)


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``clap-text``."""
    folder = _folder(runtime)
    folder.check_vocabulary()
    most = tokens_of(folder)
    keys = Keys(NAME, VERSION, folder.digest, segmentation)
    key = keys.key("clap-text", Modality.TEXT, dim_of(folder), tower="text", tokens=most)
    model = Model(
        name=keys.model("text"),
        licence=folder.licence,
        folder=folder,
        load=lambda compute: _text_model(folder, compute),
    )
    return TextEncoder(key, model, runtime, most=most)


def build_audio(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``clap-audio``."""
    folder = _folder(runtime)
    recipe = recipe_of(folder, segmentation)
    keys = Keys(NAME, VERSION, folder.digest, segmentation)
    facts = {"tower": "audio", "shape": recipe.shape}
    key = keys.key("clap-audio", Modality.AUDIO, dim_of(folder), **facts)
    model = Model(
        name=keys.model("audio"),
        licence=folder.licence,
        folder=folder,
        load=lambda compute: _audio_model(folder, compute),
        most=CLIPS,
    )
    return ArrayEncoder(key, recipe, model, runtime, rate=recipe.rate)


def _folder(runtime: RuntimeSpec) -> Folder:
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    config_of(folder, NAME)
    return folder


def _text_model(folder: Folder, compute: Compute) -> TextModel:
    model = read_model(folder, "ClapTextModelWithProjection", compute)
    run = texts(lambda ids, mask: model(ids, mask).text_embeds, pad_of(folder), compute)
    return TextModel(read_tokeniser(folder), inferring(run))


def texts(embed: Embed, pad: int, compute: Compute) -> Tokens:
    """``embed`` of ids and mask (n, length), behind the padding; gradients flow."""

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = (moved(one, compute.device) for one in padded(rows, pad))
        return embed(ids, mask)

    return run


def _audio_model(folder: Folder, compute: Compute) -> Run:
    model = _tower(folder, compute)
    return inferring(sounds(lambda mel, none: model(mel, none).audio_embeds, compute))


def sounds(embed: Embed, compute: Compute) -> Run:
    """(n, cuts, frames, bands) → (n, d): of several cuts, the mean of their unit vectors.

    ``embed``: of log-mel (m, 1, frames, bands) and ``is_longer`` (m, 1); gradients flow.
    """

    def run(batch: NDArray[np.float32]) -> torch.Tensor:
        import torch  # noqa: PLC0415 - making an encoder loads no torch

        there = ~np.isnan(batch[:, :, 0, 0])
        cuts = batch.reshape(-1, *batch.shape[2:]) if there.all() else batch[there]
        mel = moved(cuts, compute.device)[:, None]
        none = torch.zeros((len(mel), 1), dtype=torch.bool, device=mel.device)
        rows = torch.nn.functional.normalize(embed(mel, none).float(), dim=-1)
        if len(rows) == len(batch):
            return rows
        of = torch.from_numpy(np.nonzero(there)[0]).to(rows.device)
        return torch.zeros(len(batch), rows.shape[1], device=rows.device).index_add(0, of, rows)

    return run


def _tower(folder: Folder, compute: Compute) -> Callable[..., Any]:
    """The sound tower; what comes before the patches stays in float32.

    Decibels have a hundred steps between silence and full loudness: bfloat16 has half a decibel.
    """
    model = read_model(folder, "ClapAudioModelWithProjection", Compute(compute.device, "float32"))
    encoder, dtype = model.audio_model.audio_encoder, torch_dtype(compute)
    norm, encoder.batch_norm = encoder.batch_norm, None  # not rounded with the others
    model.to(dtype)
    encoder.batch_norm = norm
    encoder.patch_embed.register_forward_pre_hook(
        lambda _, given: (given[0].to(dtype), *given[1:])
    )
    return cast("Callable[..., Any]", model)
