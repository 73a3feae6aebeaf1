"""Pictures, frames and texts by the models of open_clip (Ilharco et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, inferring, moved, share_cores
from mmcore.encoders.families.colours import three
from mmcore.encoders.families.joint import Joint
from mmcore.encoders.families.openclip_files import (
    CONFIG,
    Checkpoint,
    checkpoint_of,
    read_clip,
    staged,
)
from mmcore.encoders.families.openclip_tokens import (
    ByteTokeniser,
    CleanedTokeniser,
    read_clip_tokeniser,
)
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder
from mmcore.encoders.towers.pictures import Pixels, Recipe
from mmcore.encoders.towers.texts import TextEncoder, TextModel, Tokens, padded
from mmcore.encoders.weights.releases import Release
from mmcore.errors import MissingExtraError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

VERSION: Final = 1
NAME: Final = "clip"
CONTEXT: Final = 77
"""Tokens of a text where the configuration says nothing, as open_clip has it."""

PRESET: Final = Preset(
    encoders=("clip-text", "clip-image", "clip-frames"),
    about="pictures, frames and texts by a model of open_clip",
    languages="zh, en and more",
    releases=(
        Release(
            "hub",
            "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k",
            "MIT",
            bytes=1_465_000_000,
            dim=512,
        ),
        Release(
            "hub",
            "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            "MIT",
            "1a25a446712ba5ee05982a381eed697ef9b435cf",
            bytes=605_200_000,
            dim=512,
            sha256={
                "open_clip_model.safetensors": (
                    "ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6"
                )
            },
        ),
        Release(
            "hub",
            "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
            "MIT",
            "1627032197142fbe2a7cfec626f4ced3ae60d07a",
            bytes=1_710_600_000,
            dim=768,
        ),
    ),
    extra="hub",
)

MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
STD: Final = (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's, which open_clip takes where the configuration says nothing."""


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``clip-text``: pooled and projected as the configuration says."""
    found, joint = _checkpoint(segmentation, runtime)
    text = found.text
    kwargs = text.get("tokenizer_kwargs") or {}
    if text.get("tokenizer_mode"):
        raise found.refused("text_cfg.tokenizer_mode", text["tokenizer_mode"])
    if kwargs.get("reduction_mask"):
        why = "drops tokens"
        raise found.refused("tokenizer_kwargs.reduction_mask", kwargs["reduction_mask"], why)
    most = int(text.get("context_length", CONTEXT))

    def load(compute: Compute) -> TextModel:
        with staged(found) as place:
            tokeniser = read_clip_tokeniser(found, place)
            model = _without(read_clip(found, place, compute), "visual", "text_decoder")
        fixed = fixed_of(model, tokeniser, most)
        run = texts(model, tokeniser, fixed, compute)
        return TextModel(tokeniser, inferring(run), fixed=fixed)

    return joint.texts(_dim(found), most, {}, load)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``clip-image``: pooled and projected as the configuration says."""
    return _pictures(Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``clip-frames``: the same for frames of videos."""
    return _pictures(Modality.VIDEO, segmentation, runtime)


def _pictures(
    modality: Modality, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> ArrayEncoder:
    found, joint = _checkpoint(segmentation, runtime)

    def load(compute: Compute) -> Pixels:
        with staged(found) as place:
            model = read_clip(found, place, compute)
        pixels: Pixels = _without(
            model, "text", "transformer", "token_embedding", "text_decoder"
        ).encode_image
        return pixels

    return joint.pictures(modality, _dim(found), recipe_of(found), load)


def _checkpoint(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> tuple[Checkpoint, Joint]:
    if find_spec("open_clip") is None:
        raise MissingExtraError(f"the preset {NAME!r}", "hub")
    share_cores()
    found = checkpoint_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    return found, Joint(NAME, VERSION, found.folder, segmentation, runtime)


def _dim(found: Checkpoint) -> int:
    dim = found.model.get("embed_dim")
    if not isinstance(dim, int):
        raise found.refused("embed_dim", dim, "is no number")
    return dim


def recipe_of(found: Checkpoint) -> Recipe:
    """What open_clip does to a picture for inference (open_clip.transform.image_transform)."""
    told = {key: value for key, value in found.part("preprocess_cfg").items() if value is not None}
    resize = told.get("resize_mode", "shortest")
    if resize not in ("shortest", "longest", "squash"):
        raise found.refused("resize_mode", resize)
    resampling = {"random": "bicubic"}.get(
        told.get("interpolation", ""), told.get("interpolation")
    )
    if resampling not in (None, "bicubic", "bilinear"):
        raise found.refused("interpolation", resampling)
    if told.get("mode", "RGB") != "RGB":
        raise found.refused("mode", told["mode"])
    height, width = _size(found)
    if resize == "shortest" and height != width:
        raise found.refused("vision_cfg.image_size", (height, width), "'shortest' cuts to squares")
    return Recipe(
        height=height,
        width=width,
        mean=_numbers(found, "mean", told.get("mean", MEAN)),
        std=_numbers(found, "std", told.get("std", STD)),
        resize=resize,
        resampling=resampling or "bicubic",
        fill=int(told.get("fill_color", 0)),
    )


def _size(found: Checkpoint) -> tuple[int, int]:
    """Height and width: the tower's, whatever ``preprocess_cfg`` says."""
    size = found.vision.get("image_size", 224)
    sides = (size, size) if isinstance(size, int) else size
    try:
        height, width = (int(side) for side in sides)
    except (TypeError, ValueError) as error:
        raise found.refused("vision_cfg.image_size", size) from error
    return height, width


def _numbers(found: Checkpoint, name: str, value: Any) -> tuple[float, float, float]:
    """A number alone is of all colours."""
    several = (value,) * 3 if isinstance(value, float | int) else value
    return three(several, f"{found.folder.path / CONFIG}: {name}", positive=name == "std")


def _without(model: Any, *names: str) -> Any:
    """The model, the named parts of it forgotten: they would only take memory."""
    for name in names:
        if hasattr(model, name):
            setattr(model, name, None)
    return model


def fixed_of(model: Any, tokeniser: ByteTokeniser | CleanedTokeniser, most: int) -> int | None:
    """The length that open_clip fills rows up to; None where padding is masked."""
    config = getattr(getattr(model, "text", None), "config", None)
    masked = config is not None and config.pad_token_id == tokeniser.pad
    return None if masked else most


def texts(
    model: Any, tokeniser: ByteTokeniser | CleanedTokeniser, fixed: int | None, compute: Compute
) -> Tokens:
    """Filled up to ``fixed``; to the longest row where that is None."""

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, _ = padded(rows, tokeniser.pad, to=fixed, left=tokeniser.left)
        found: torch.Tensor = model.encode_text(moved(ids, compute.device))
        return found

    return run
