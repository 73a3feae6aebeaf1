"""What a folder of CLAP says of its model: tokens, dimensions, and how sounds are shaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from mmcore.encoders.families.clap_mel import MelRecipe
from mmcore.encoders.families.config import CONFIG
from mmcore.encoders.families.lengths import longest_window
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError
from mmcore.specs import SegmentationSpec

_SHAPING: Final = "preprocessor_config.json"
_NEWER: Final = "processor_config.json"  # as transformers 5 saves a whole processor
_FILTERS: Final = {"rand_trunc": True, "fusion": False}  # whether Slaney's
_PADDINGS: Final = ("repeatpad", "repeat", "pad")


def dim_of(folder: Folder) -> int:
    """Dimensions of the space."""
    return int(folder.json(CONFIG).get("projection_dim", 512))


def tokens_of(folder: Folder) -> int:
    """Tokens that the text tower takes: RoBERTa's positions begin behind the padding's."""
    text = folder.json(CONFIG).get("text_config") or {}
    most = int(text.get("max_position_embeddings", 514)) - pad_of(folder) - 1
    name = "tokenizer_config.json"
    told = folder.json(name).get("model_max_length") if name in folder.files else None
    return int(min(most, told or most))


def pad_of(folder: Folder) -> int:
    """The token that fills texts up."""
    return int((folder.json(CONFIG).get("text_config") or {}).get("pad_token_id", 1))


def recipe_of(folder: Folder, segmentation: SegmentationSpec) -> MelRecipe:
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
    told = folder.json(CONFIG).get("audio_config") or {}
    path = folder.path / CONFIG
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
