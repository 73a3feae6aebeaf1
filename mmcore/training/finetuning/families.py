"""Presets with a joint space as models that learn: their towers, scale and files.

Imported where torch is at work only. Forward passes are the encoders' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families import chinese_clip, clap, openclip, siglip2
from mmcore.encoders.families.clap_files import pad_of
from mmcore.encoders.families.hub import loading, read_model
from mmcore.encoders.families.openclip_files import WEIGHTS, checkpoint_of, read_clip, staged
from mmcore.encoders.families.openclip_tokens import read_clip_tokeniser
from mmcore.encoders.families.tokenisers import read_tokeniser
from mmcore.encoders.presets import encoders_of
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.pictures import Pixels, normalising
from mmcore.encoders.towers.texts import TextEncoder, Tokeniser, Tokens
from mmcore.encoders.weights.folder import MODEL, Folder, folder_of
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Tower:
    """Names of one tower's modules: its ``blocks`` in order, and what is ``behind`` them."""

    blocks: str  # regular expressions, of whole names of modules, and beginnings of parameters'
    behind: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Parameters of the loss, by name: logits are exp(scale) · cosine + bias.

    A model with a bias was trained with the sigmoid loss, one without with InfoNCE.
    """

    scale: str
    bias: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A model with two towers that learns.

    ``texts`` and ``media``: inputs → (n, d), on the model's device.
    ``save`` writes the weights as the preset loads them, into a folder.
    """

    folder: Folder
    model: Any
    tokeniser: Tokeniser
    texts: Tokens
    media: Run
    scale: Scale
    towers: tuple[Tower, ...]
    save: Callable[[Any, Path], None]


@dataclass(frozen=True, slots=True)
class Family:
    """One preset: the medium beside texts, and how it is opened, given the medium's recipe."""

    modality: Modality
    open: Callable[[RuntimeSpec, Compute, Any], Joint]


def encoders_for(preset: str, runtime: RuntimeSpec) -> tuple[TextEncoder, ArrayEncoder]:
    """The preset's own encoders of texts and of the medium that it learns with."""
    made = encoders_of(preset, SegmentationSpec(), runtime)
    texts = next(one for one in made if isinstance(one, TextEncoder))
    wanted = FAMILIES[preset].modality
    media = next(one for one in made if one.key.modality is wanted)
    if not isinstance(media, ArrayEncoder):
        raise ConfigError(f"preset {preset!r}: {media.key.name} is no encoder that learns")
    return texts, media


def _siglip2(runtime: RuntimeSpec, compute: Compute, recipe: Any) -> Joint:
    folder = folder_of(siglip2.NAME, siglip2.PRESET.wanted(siglip2.NAME, runtime), runtime)
    model = read_model(folder, "SiglipModel", compute)
    tokeniser = siglip2.tokeniser_of(folder)
    most = model.config.text_config.max_position_embeddings
    return Joint(
        folder,
        model,
        tokeniser,
        siglip2.pooled(model.text_model, tokeniser.tokenizer, most, compute),
        normalising(recipe, compute, lambda pixels: model.vision_model(pixels).pooler_output),
        Scale("logit_scale", "logit_bias"),
        (
            Tower(r"text_model\.encoder\.layers\.\d+", r"text_model\.(final_layer_norm|head)\."),
            Tower(r"vision_model\.encoder\.layers\.\d+", r"vision_model\.(post_layernorm|head)\."),
        ),
        save_hub,
    )


def _chinese_clip(runtime: RuntimeSpec, compute: Compute, recipe: Any) -> Joint:
    name = chinese_clip.NAME
    folder = folder_of(name, chinese_clip.PRESET.wanted(name, runtime), runtime)
    model = read_model(folder, chinese_clip.KIND, compute)
    tokeniser = read_tokeniser(folder)
    pixels: Pixels = lambda given: model.get_image_features(given).pooler_output  # noqa: E731
    return Joint(
        folder,
        model,
        tokeniser,
        chinese_clip.first(model, tokeniser.tokenizer.pad_token_id, compute),
        normalising(recipe, compute, pixels),
        Scale("logit_scale"),
        (
            Tower(r"text_model\.encoder\.layer\.\d+", r"text_projection\."),
            Tower(
                r"vision_model\.encoder\.layers\.\d+",
                r"(vision_model\.post_layernorm|visual_projection)\.",
            ),
        ),
        save_hub,
    )


def _clap(runtime: RuntimeSpec, compute: Compute, recipe: Any) -> Joint:
    del recipe  # log-mel is not normalised
    folder = folder_of(clap.NAME, clap.PRESET.wanted(clap.NAME, runtime), runtime)
    model = read_model(folder, "ClapModel", compute)

    def told(ids: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = model.get_text_features(ids, mask).pooler_output
        return found

    def heard(mel: Tensor, none: Tensor) -> Tensor:
        found: Tensor = model.get_audio_features(mel, none).pooler_output
        return found

    return Joint(
        folder,
        model,
        read_tokeniser(folder),
        clap.texts(told, pad_of(folder), compute),
        clap.sounds(heard, compute),
        Scale("logit_scale_a"),
        (
            Tower(r"text_model\.encoder\.layer\.\d+", r"(text_model\.pooler|text_projection)\."),
            Tower(
                r"audio_model\.audio_encoder\.layers\.\d+\.blocks\.\d+",
                r"(audio_model\.audio_encoder\.norm|audio_projection)\.",
            ),
        ),
        save_hub,
    )


def _clip(runtime: RuntimeSpec, compute: Compute, recipe: Any) -> Joint:
    found = checkpoint_of(openclip.NAME, openclip.PRESET.wanted(openclip.NAME, runtime), runtime)
    with staged(found) as place:
        tokeniser = read_clip_tokeniser(found, place)
        model = read_clip(found, place, compute)
    most = int(found.text.get("context_length", openclip.CONTEXT))
    fixed = openclip.fixed_of(model, tokeniser, most)
    biased = getattr(model, "logit_bias", None)
    return Joint(
        found.folder,
        model,
        tokeniser,
        openclip.texts(model, tokeniser, fixed, compute),
        normalising(recipe, compute, model.encode_image),
        Scale("logit_scale", None if biased is None else "logit_bias"),
        (
            Tower(
                r"(text\.)?transformer\.(resblocks|encoder\.layer)\.\d+",
                r"((text\.)?(ln_final|text_projection)|text\.proj)\b",
            ),
            Tower(r"visual\.transformer\.resblocks\.\d+", r"visual\.(ln_post|proj|attn_pool)\b"),
        ),
        save_clip,
    )


def save_hub(model: Any, to: Path) -> None:
    """``model.safetensors`` as transformers writes it, whole."""
    with loading(to):
        model.save_pretrained(to, max_shard_size="1000GB")
    if not (to / MODEL).is_file():
        raise ConfigError(f"{to}: transformers wrote no {MODEL}")


def save_clip(model: Any, to: Path) -> None:
    """open_clip's file of weights."""
    from safetensors.torch import save_file  # noqa: PLC0415 - where it is written

    state = {name: value.cpu().contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, to / WEIGHTS[0], metadata={"format": "pt"})


FAMILIES: Final[Mapping[str, Family]] = {
    siglip2.NAME: Family(Modality.IMAGE, _siglip2),
    chinese_clip.NAME: Family(Modality.IMAGE, _chinese_clip),
    openclip.NAME: Family(Modality.IMAGE, _clip),
    clap.NAME: Family(Modality.AUDIO, _clap),
}
"""Presets that can be fine-tuned."""
