"""Pictures, frames and texts by SigLIP 2 (Tschannen et al., 2025) and SigLIP (Zhai et al., 2023).

Checkpoints of a fixed resolution, in transformers' layout: both families are ``SiglipModel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, inferring, moved
from mmcore.encoders.families.config import config_of, field_of
from mmcore.encoders.families.hub import check_extra, read_model
from mmcore.encoders.families.joint import Joint
from mmcore.encoders.families.processors import check_size, recipe_of, settings_of
from mmcore.encoders.families.tokenisers import HubTokeniser, read_tokeniser
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder
from mmcore.encoders.towers.pictures import Pixels
from mmcore.encoders.towers.texts import TextEncoder, TextModel, Tokens, padded
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

VERSION: Final = 1
NAME: Final = "siglip2"
TOKENS: Final = "tokenizer_config.json"


def _release(size: str, revision: str, megabytes: int, dim: int, sha256: str = "") -> Release:
    pins = {"model.safetensors": sha256} if sha256 else {}
    count = megabytes * 1_000_000
    return Release("hub", f"google/siglip2-{size}", "Apache-2.0", revision, count, dim, pins)


PRESET: Final = Preset(
    encoders=("siglip2-text", "siglip2-image", "siglip2-frames"),
    about="pictures, frames and texts by SigLIP 2",
    languages="zh, en and more",
    releases=(
        _release(
            "base-patch16-224",
            "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
            1536,
            768,
            "612923381c76ec5a9bed335d1c48827e3f2e506ac31b044b63b2031fadee6a0b",
        ),
        _release(
            "base-patch16-256",
            "3f9f96cb90da5dbc758b01813f2f6f1aee24c1ab",
            1536,
            768,
            "6125cacc01fa93bdc98a0c5101cefcd69b2ed1f8ab4f38d86f4ad5984f5dc863",
        ),
        _release(
            "base-patch32-256",
            "94dffa8cb1179de3e03f091dbc3917e5d5a9ae84",
            1542,
            768,
            "7d241bb3becad218f211f480487f491df4f8c0a472ecf7afdec5615815a301f1",
        ),
        _release(
            "base-patch16-384",
            "f775b65a79762255128c981547af89addcfe0f88",
            1537,
            768,
            "ed72c0ace85020ae610fc817c2538b9cae5a477b012a50859c60af5b3ad30857",
        ),
        _release("base-patch16-512", "a89f5c5093f902bf39d3cd4d81d2c09867f0724b", 1538, 768),
        _release("large-patch16-256", "787800c8990e6f058423089178e718139608408c", 3561, 1024),
        _release("large-patch16-384", "1b426889ea62b5a72bf9839009a1b184bfc9c178", 3562, 1024),
        _release("so400m-patch16-256", "e8708ab72d125807e45b36fb7d4e0aacbb59f379", 4578, 1152),
        _release("so400m-patch14-384", "e8e487298228002f3d8a82e0cd5c8ea9c567f57f", 4580, 1152),
        _release("so400m-patch16-384", "dd658faac399427308559e2c3ac1e99cbe43845d", 4580, 1152),
        _release("giant-opt-patch16-384", "a713301b217d38485fb2204c808367d10bc3cc40", 7522, 1536),
    ),
    extra="hub",
)


class Lowering(HubTokeniser):
    """A tokeniser that has to be given lower case.

    SigLIP 2 was trained on lower case. Its checkpoints say so (``do_lower_case``), but name
    Gemma's tokeniser, which does not look at that (transformers, pull request 43101).
    """

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts in lower case, special tokens around them."""
        return super().whole([text.lower() for text in texts])


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``siglip2-text``: texts as captions, filled up to the length of the training.

    The last place is pooled, which is padding of a short text: the model was trained so.
    """
    joint, config = _checkpoint(segmentation, runtime)
    folder, text = joint.folder, _tower(joint.folder, config, "text_config")
    folder.check_vocabulary()
    most = field_of(folder, text, "max_position_embeddings")
    dim = field_of(folder, {"projection_size": text["hidden_size"], **text}, "projection_size")
    lowered = _is_lowered(folder)

    def load(compute: Compute) -> TextModel:
        tokeniser = tokeniser_of(folder)
        model = read_model(folder, "SiglipTextModel", compute)
        run = pooled(model, tokeniser.tokenizer, most, compute)
        return TextModel(tokeniser, inferring(run), fixed=most)

    return joint.texts(dim, most, {"lowered": lowered}, load)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``siglip2-image``: pictures, pooled by the model's own attention head."""
    return _pictures(Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``siglip2-frames``: the same for frames of videos."""
    return _pictures(Modality.VIDEO, segmentation, runtime)


def _pictures(
    modality: Modality, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> ArrayEncoder:
    joint, config = _checkpoint(segmentation, runtime)
    folder, vision = joint.folder, _tower(joint.folder, config, "vision_config")
    if vision.get("vision_use_head", True) is not True:
        raise ConfigError(f"{folder.path / 'config.json'}: vision_use_head is not true")
    recipe = recipe_of(settings_of(folder, "Siglip"))
    check_size(folder, recipe, field_of(folder, vision, "image_size"))

    def load(compute: Compute) -> Pixels:
        model = read_model(folder, "SiglipVisionModel", compute)
        return lambda pixels: model(pixels).pooler_output

    return joint.pictures(modality, field_of(folder, vision, "hidden_size"), recipe, load)


def _checkpoint(
    segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> tuple[Joint, dict[str, Any]]:
    """The checkpoint and its configuration, which is of a fixed resolution."""
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    config = config_of(folder, "siglip", hint=_FIXED)
    return Joint(NAME, VERSION, folder, segmentation, runtime), config


_FIXED: Final = ", which SigLIP 2 of a fixed resolution is too; NaFlex ('siglip2') is not taken"
_DEFAULTS: Final = {
    "text_config": {"hidden_size": 768, "max_position_embeddings": 64},
    "vision_config": {"hidden_size": 768, "image_size": 224},
}
"""What transformers' classes take for what the file leaves out, which most files do."""


def _tower(folder: Folder, config: dict[str, Any], name: str) -> dict[str, Any]:
    told = field_of(folder, config, name, dict)
    return {**_DEFAULTS[name], **{key: value for key, value in told.items() if value is not None}}


def _is_lowered(folder: Folder) -> bool:
    """Whether the folder says that texts are lowered, whatever its tokeniser does."""
    return TOKENS in folder.files and folder.json(TOKENS).get("do_lower_case") is True


def tokeniser_of(folder: Folder) -> HubTokeniser:
    """The folder's tokeniser, which lowers texts where the folder says so."""
    found = read_tokeniser(folder)
    return Lowering(found.tokenizer) if _is_lowered(folder) else found


def pooled(model: Any, tokenizer: Any, most: int, compute: Compute) -> Tokens:
    """Filled up to ``most``, with a mask only where the tokeniser says that it gives one."""
    left = tokenizer.padding_side == "left"
    masked = "attention_mask" in tokenizer.model_input_names

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(rows, tokenizer.pad_token_id, to=most, left=left)
        seen = moved(mask, compute.device) if masked else None
        found: torch.Tensor = model(moved(ids, compute.device), seen).pooler_output
        return found

    return run
