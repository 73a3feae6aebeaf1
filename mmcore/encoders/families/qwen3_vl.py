"""Texts, pictures and frames by Qwen3-VL-Embedding (Li et al., 2026): one model for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families.config import config_of, field_of
from mmcore.encoders.families.hub import check_extra
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.qwen3_vl_model import INSTRUCTION, Network, load
from mmcore.encoders.families.qwen3_vl_pictures import Recipe, recipe_of
from mmcore.encoders.families.sentences import READS_NO_MORE, check_pooling
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import TextEncoder, TextModel
from mmcore.encoders.weights.folder import HUB_FILES, Folder, folder_of
from mmcore.encoders.weights.hub_files import CHAT
from mmcore.encoders.weights.releases import Release
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality

VERSION: Final = 1
NAME: Final = "qwen3-vl-embedding"
KIND: Final = "qwen3_vl"

FILES: Final = (*HUB_FILES, CHAT)

ENCODERS: Final = {
    Modality.TEXT: "qwen3-vl-text",
    Modality.IMAGE: "qwen3-vl-image",
    Modality.VIDEO: "qwen3-vl-frames",
}

PRESET: Final = Preset(
    encoders=tuple(ENCODERS.values()),
    about="texts, pictures and frames by Qwen3-VL-Embedding; for a GPU",
    languages="zh, en and about 30 more",
    releases=(
        Release(
            "hub",
            "Qwen/Qwen3-VL-Embedding-2B",
            "Apache-2.0",
            "9f2f7e710d6d81056aa5c0a4f04764fec6bb7bda",
            bytes=4_271_000_000,
            dim=2048,
            sha256={
                "model.safetensors": (
                    "c73fa9caeddeb3ff831d46c085a7a5708343248ca777e90f2d486964464509c1"
                )
            },
        ),
        Release(
            "hub",
            "Qwen/Qwen3-VL-Embedding-8B",
            "Apache-2.0",
            "2c4565515e0f265c6511776e7193b22c0968ddc7",
            bytes=16_305_000_000,
            dim=4096,
        ),
    ),
    extra="hub",
)


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A folder, and what its configuration says."""

    folder: Folder
    recipe: Recipe
    image_token: int
    dim: int
    tokens: int

    @property
    def name(self) -> str:
        return f"{NAME} {self.folder.digest[:8]}"

    def load(self, compute: Compute) -> Network:
        return load(self.folder, self.recipe, self.image_token, compute)

    def key(
        self, modality: Modality, segmentation: SegmentationSpec, facts: Mapping[str, Any]
    ) -> EncoderKey:
        keys = Keys(NAME, VERSION, self.folder.digest, segmentation)
        done = {"instruction": INSTRUCTION, "pooling": "last token", **facts}
        return keys.key(ENCODERS[modality], modality, self.dim, **done)


class PictureEncoder(ArrayEncoder):
    """An encoder of prepared pictures of many sizes: those of like size go together."""

    recipe: Recipe

    def lengths(self, inputs: NDArray[np.uint8]) -> list[int]:
        """The tokens of each."""
        return self.recipe.tokens(inputs)


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``qwen3-vl-text``: the state of the conversation's last token, unit length.

    A query has the instruction of what is stored, the model's default. Its README shows one of
    the user's own for a query, as an option; the same one on both sides serves private lakes, and
    pictures that are asked with.
    """
    found = _checkpoint(runtime)
    key = found.key(Modality.TEXT, segmentation, {"tower": "text", "tokens": found.tokens})
    model: Model[TextModel] = Model(
        found.name, found.folder.licence, found.load, folder=found.folder
    )
    return TextEncoder(key, model, runtime, most=found.tokens)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> PictureEncoder:
    """The encoder ``qwen3-vl-image``: pictures in the space of the texts, by the same model."""
    return _pictures(Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> PictureEncoder:
    """The encoder ``qwen3-vl-frames``: each frame of a video as a picture."""
    return _pictures(Modality.VIDEO, segmentation, runtime)


def _pictures(
    modality: Modality, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> PictureEncoder:
    found = _checkpoint(runtime)
    facts = {"tower": "image", "recipe": asdict(found.recipe)}
    model: Model[Run] = Model(found.name, found.folder.licence, found.load, folder=found.folder)
    key = found.key(modality, segmentation, facts)
    return PictureEncoder(key, found.recipe, model, runtime, size=found.recipe.target)


def _checkpoint(runtime: RuntimeSpec) -> _Checkpoint:
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime, FILES)
    folder.check_vocabulary()
    config = config_of(folder, KIND)
    check_pooling(folder, "lasttoken")
    text = field_of(folder, config, "text_config", dict)
    recipe = recipe_of(folder, field_of(folder, config, "vision_config", dict))
    return _Checkpoint(
        folder,
        recipe,
        field_of(folder, config, "image_token_id"),
        field_of(folder, text, "hidden_size"),
        min(READS_NO_MORE, field_of(folder, text, "max_position_embeddings")),
    )
