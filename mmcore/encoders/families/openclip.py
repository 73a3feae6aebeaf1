"""Pictures, frames and texts by the models of open_clip (Ilharco et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, moved, share_cores
from mmcore.encoders.families.hub import HubTokeniser
from mmcore.encoders.families.joint import Joint
from mmcore.encoders.families.openclip_files import (
    Checkpoint,
    checkpoint_of,
    quiet,
    read_clip,
    staged,
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
            tokeniser = _tokeniser(place, bool(text.get("hf_tokenizer_name")))
            model = _without(read_clip(found, place, compute), "visual", "text_decoder")
        return TextModel(tokeniser, _texts(model, tokeniser, most, compute))

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
        mean=_three(found, "mean", told.get("mean", MEAN)),
        std=_three(found, "std", told.get("std", STD)),
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


def _three(found: Checkpoint, name: str, value: Any) -> tuple[float, float, float]:
    try:
        red, green, blue = (value,) * 3 if isinstance(value, float | int) else value
        return float(red), float(green), float(blue)
    except (TypeError, ValueError) as error:
        raise found.refused(name, value) from error


class ByteTokeniser:
    """open_clip's own tokeniser, that of OpenAI's CLIP (towers.texts.Tokeniser)."""

    pad, left = 0, False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, cleaned as the configuration says."""
        before, behind = self.around()
        return [[*before, *self.tokenizer.encode(text), *behind] for text in texts]

    def around(self) -> tuple[list[int], list[int]]:
        """The start and the end of a text."""
        return [self.tokenizer.sot_token_id], [self.tokenizer.eot_token_id]


class CleanedTokeniser(HubTokeniser):
    """A tokeniser of transformers' behind open_clip's cleaning of texts."""

    def __init__(self, wrapper: Any) -> None:
        super().__init__(wrapper.tokenizer)
        self.clean = wrapper.clean_fn
        self.pad = self.tokenizer.pad_token_id
        self.left = self.tokenizer.padding_side == "left"
        self.strips = self.tokenizer.sep_token_id if wrapper.strip_sep_token else None

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, special tokens around them."""
        return [self._stripped(ids) for ids in super().whole([self.clean(one) for one in texts])]

    def around(self) -> tuple[list[int], list[int]]:
        """The special tokens before a text and behind it."""
        before, behind = super().around()
        return self._stripped(before), self._stripped(behind)

    def _stripped(self, ids: list[int]) -> list[int]:
        """With 0 for the separator, where the configuration wants that (CLIPA)."""
        return ids if self.strips is None else [0 if one == self.strips else one for one in ids]


def _tokeniser(place: str, hugging: bool) -> ByteTokeniser | CleanedTokeniser:
    import open_clip  # noqa: PLC0415 - making an encoder loads no torch

    with quiet():
        if not hugging:
            return ByteTokeniser(open_clip.get_tokenizer(place))
        options = {"local_files_only": True, "trust_remote_code": False}
        return CleanedTokeniser(open_clip.get_tokenizer(place, **options))


def _without(model: Any, *names: str) -> Any:
    """The model, the named parts of it forgotten: they would only take memory."""
    for name in names:
        if hasattr(model, name):
            setattr(model, name, None)
    return model


def _texts(
    model: Any, tokeniser: ByteTokeniser | CleanedTokeniser, most: int, compute: Compute
) -> Tokens:
    """Filled up to ``most``, as open_clip does; to the longest row where padding is masked."""
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    config = getattr(getattr(model, "text", None), "config", None)
    masked = config is not None and config.pad_token_id == tokeniser.pad
    length = None if masked else most

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, _ = padded(rows, tokeniser.pad, to=length, left=tokeniser.left)
        with torch.inference_mode():
            found: torch.Tensor = model.encode_text(moved(ids, compute.device))
            return found

    return run
