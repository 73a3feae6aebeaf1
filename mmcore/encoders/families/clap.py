"""CLAP (Wu et al., 2023, arXiv:2211.06687): sounds and English texts in one space.

The sound tower is HTSAT; windows are taken whole, in fixed cuts (clap_mel). Of a "fusion"
checkpoint each cut is an input of at most ten seconds, which its second path (``is_longer``, for
longer ones) is not used for. The library uses that path for one clip of each batch at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved, torch_dtype
from mmcore.encoders.families.clap_mel import MelRecipe
from mmcore.encoders.families.hub import check_extra, read_model, read_tokeniser
from mmcore.encoders.families.lengths import longest_window
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import TextEncoder, TextModel, padded
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError
from mmcore.media.versions import cutting
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality, digest

if TYPE_CHECKING:
    import torch

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

_CONFIG: Final = "config.json"
_SHAPING: Final = "preprocessor_config.json"
_NEWER: Final = "processor_config.json"  # as transformers 5 saves a whole processor
_FILTERS: Final = {"rand_trunc": True, "fusion": False}  # whether Slaney's
_PADDINGS: Final = ("repeatpad", "repeat", "pad")


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``clap-text``."""
    folder = _folder(runtime)
    most = _tokens(folder)
    reads = (Modality.TEXT, Modality.VIDEO)
    key = _key(folder, segmentation, Modality.TEXT, {"tokens": most}, reads)
    model = Model(
        name=f"{NAME} text {folder.digest[:8]}",
        licence=folder.licence,
        load=lambda compute: _text_model(folder, compute),
    )
    return TextEncoder(key, model, runtime, most=most)


def build_audio(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``clap-audio``."""
    folder = _folder(runtime)
    recipe = _recipe(folder, segmentation)
    reads = (Modality.AUDIO, Modality.VIDEO)
    key = _key(folder, segmentation, Modality.AUDIO, {"shape": recipe.shape}, reads)
    model = Model(
        name=f"{NAME} audio {folder.digest[:8]}",
        licence=folder.licence,
        load=lambda compute: _audio_model(folder, compute),
        most=CLIPS,
    )
    return ArrayEncoder(key, recipe, model, runtime, rate=recipe.rate)


def _folder(runtime: RuntimeSpec) -> Folder:
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    kind = folder.json(_CONFIG).get("model_type")
    if kind != NAME:
        raise ConfigError(f"{folder.path / _CONFIG}: model_type is {kind!r}, not {NAME!r}")
    return folder


def _key(
    folder: Folder,
    segmentation: SegmentationSpec,
    modality: Modality,
    facts: Mapping[str, Any],
    reads: tuple[Modality, ...],
) -> EncoderKey:
    made_of = {
        "family": NAME,
        "weights": folder.digest,
        "tower": modality,
        **facts,
        "cutting": cutting(segmentation, modality, *reads),
        "version": VERSION,
    }
    dim = int(folder.json(_CONFIG).get("projection_dim", 512))
    space = f"{NAME}-{folder.digest[:8]}"
    return EncoderKey(modality, f"{NAME}-{modality}", digest(made_of), space, dim, reads)


def _tokens(folder: Folder) -> int:
    """Tokens that the text tower takes: RoBERTa's positions begin behind the padding's."""
    text = folder.json(_CONFIG).get("text_config") or {}
    most = int(text.get("max_position_embeddings", 514)) - _pad(folder) - 1
    name = "tokenizer_config.json"
    told = folder.json(name).get("model_max_length") if name in folder.files else None
    return int(min(most, told or most))


def _pad(folder: Folder) -> int:
    return int((folder.json(_CONFIG).get("text_config") or {}).get("pad_token_id", 1))


def _recipe(folder: Folder, segmentation: SegmentationSpec) -> MelRecipe:
    """What the folder's feature extractor does; its ``top_db`` does nothing in the library."""
    told = _shaping(folder)
    truncation = _one_of(folder, told, "truncation", "fusion", tuple(_FILTERS))
    rate, seconds = int(told.get("sampling_rate", 48_000)), int(told.get("max_length_s", 10))
    recipe = MelRecipe(
        rate=rate,
        seconds=seconds,
        hop=int(told.get("hop_length", 480)),
        fft=int(told.get("fft_window_size", 1024)),
        bands=int(told.get("feature_size", 64)),
        low=float(told.get("frequency_min", 0)),
        high=float(told.get("frequency_max", 14_000)),
        slaney=_FILTERS[truncation],
        padding=cast(Any, _one_of(folder, told, "padding", "repeatpad", _PADDINGS)),
        cuts=-(-longest_window(segmentation, rate) // (seconds * rate)),
    )
    _check_tower(folder, recipe, truncation)
    return recipe


def _shaping(folder: Folder) -> Mapping[str, Any]:
    if _SHAPING not in folder.files and _NEWER in folder.files:
        return dict(folder.json(_NEWER).get("feature_extractor") or {})
    return folder.json(_SHAPING)


def _one_of(
    folder: Folder, told: Mapping[str, Any], name: str, usual: str, known: Sequence[str]
) -> str:
    found = told.get(name, usual)
    if found not in known:
        path = folder.path / _SHAPING
        raise ConfigError(f"{path}: {name} is {found!r}; known: {', '.join(known)}")
    return str(found)


def _check_tower(folder: Folder, recipe: MelRecipe, truncation: str) -> None:
    """Raise ConfigError where the sound tower does not take what the recipe makes."""
    told = folder.json(_CONFIG).get("audio_config") or {}
    path = folder.path / _CONFIG
    bands, size = int(told.get("num_mel_bins", 64)), int(told.get("spec_size", 256))
    if bands != recipe.bands:
        raise ConfigError(
            f"{path}: audio_config.num_mel_bins is {bands}, feature_size in {_SHAPING}"
            f" {recipe.bands}"
        )
    if recipe.frames > size * (size // bands):
        raise ConfigError(
            f"{path}: audio_config.spec_size is {size}, too small for the {recipe.frames} frames"
            f" that {_SHAPING} asks for"
        )
    if truncation == "fusion" and not told.get("enable_fusion", False):
        raise ConfigError(
            f"{path}: audio_config.enable_fusion is false, truncation in {_SHAPING} 'fusion'"
        )


def _text_model(folder: Folder, compute: Compute) -> TextModel:
    model = read_model(folder, "ClapTextModelWithProjection", compute)
    pad = _pad(folder)

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        import torch  # noqa: PLC0415 - making an encoder loads no torch

        ids, mask = (moved(one, compute.device) for one in padded(rows, pad))
        with torch.inference_mode():
            return cast("torch.Tensor", model(input_ids=ids, attention_mask=mask).text_embeds)

    return TextModel(read_tokeniser(folder), run)


def _audio_model(folder: Folder, compute: Compute) -> Run:
    """(n, cuts, frames, bands) → (n, d): of several cuts, the mean of their unit vectors."""
    model = _tower(folder, compute)

    def run(batch: NDArray[np.float32]) -> torch.Tensor:
        import torch  # noqa: PLC0415 - see _text_model

        there = ~np.isnan(batch[:, :, 0, 0])
        mel = moved(batch[there], compute.device)[:, None]
        none = torch.zeros((len(mel), 1), dtype=torch.bool, device=mel.device)
        with torch.inference_mode():
            heard = model(input_features=mel, is_longer=none).audio_embeds
            rows = torch.nn.functional.normalize(heard.float(), dim=-1)
            if len(rows) == len(batch):
                return rows
            of = torch.from_numpy(np.nonzero(there)[0]).to(rows.device)
            return torch.zeros(len(batch), rows.shape[1], device=rows.device).index_add_(
                0, of, rows
            )

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
