"""Pictures, frames and Chinese texts by Chinese-CLIP (Yang et al., 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, inferring, moved
from mmcore.encoders.families.config import config_of, field_of
from mmcore.encoders.families.hub import check_extra, read_model
from mmcore.encoders.families.joint import Joint
from mmcore.encoders.families.processors import check_size, recipe_of, settings_of
from mmcore.encoders.families.tokenisers import read_tokeniser
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder
from mmcore.encoders.towers.pictures import Pixels
from mmcore.encoders.towers.texts import TextEncoder, TextModel, Tokens, padded
from mmcore.encoders.weights.folder import folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

VERSION: Final = 1
NAME: Final = "chinese-clip"
KIND: Final = "ChineseCLIPModel"

TOKENS: Final = 52
"""What it was trained on (``cn_clip``'s context length); its positions would go further."""

PRESET: Final = Preset(
    encoders=("chinese-clip-text", "chinese-clip-image", "chinese-clip-frames"),
    about="pictures, frames and texts by Chinese-CLIP",
    languages="zh",
    releases=(
        Release(
            "hub",
            "OFA-Sys/chinese-clip-vit-base-patch16",
            "Apache-2.0",
            "f4a64596bbcf9a2a94591b74b9dc39b2e4e77e3e",  # main has a pickle only
            bytes=753_800_000,
            dim=512,
            sha256={
                "model.safetensors": (
                    "29cc0b2bcf6ff777f2e15742be92b110e4acbdb2068356e862c4637a4b15fe4f"
                )
            },
        ),
    ),
    extra="hub",
)


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``chinese-clip-text``: the first token (CLS), projected."""
    joint, config = _checkpoint(segmentation, runtime)
    folder = joint.folder
    folder.check_vocabulary()
    text = {"max_position_embeddings": 512, **field_of(folder, config, "text_config", dict)}
    most = min(TOKENS, field_of(folder, text, "max_position_embeddings"))

    def load(compute: Compute) -> TextModel:
        tokeniser = read_tokeniser(folder)
        model = read_model(folder, KIND, compute)
        model.vision_model = model.visual_projection = None
        run = first(model, tokeniser.tokenizer.pad_token_id, compute)
        return TextModel(tokeniser, inferring(run))

    return joint.texts(_dim(joint, config), most, {}, load)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``chinese-clip-image``: the class token, projected."""
    return _pictures(Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``chinese-clip-frames``: the same for frames of videos."""
    return _pictures(Modality.VIDEO, segmentation, runtime)


def _pictures(
    modality: Modality, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> ArrayEncoder:
    joint, config = _checkpoint(segmentation, runtime)
    folder = joint.folder
    vision = {"image_size": 224, **field_of(folder, config, "vision_config", dict)}
    recipe = recipe_of(settings_of(folder, "ChineseCLIP"))
    check_size(folder, recipe, field_of(folder, vision, "image_size"))

    def load(compute: Compute) -> Pixels:
        model = read_model(folder, KIND, compute)
        model.text_model = model.text_projection = None
        return lambda pixels: model.get_image_features(pixels).pooler_output

    return joint.pictures(modality, _dim(joint, config), recipe, load)


def _checkpoint(
    segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> tuple[Joint, dict[str, Any]]:
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    config = config_of(folder, "chinese_clip")
    return Joint(NAME, VERSION, folder, segmentation, runtime), config


def _dim(joint: Joint, config: dict[str, Any]) -> int:
    dim: int = field_of(joint.folder, {"projection_dim": 512, **config}, "projection_dim")
    return dim


def first(model: Any, pad: int, compute: Compute) -> Tokens:
    """The projected first token; filled up to the longest row, under a mask."""

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(rows, pad)
        seen = None if mask.all() else moved(mask, compute.device)
        found: torch.Tensor = model.get_text_features(
            moved(ids, compute.device), seen
        ).pooler_output
        return found

    return run
