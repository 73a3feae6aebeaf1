"""Models of torchaudio's wav2vec 2.0 family, and which of them a folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError
from mmcore.media.sounds.resample import RATE

CONFIG: Final = "config.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What has to be known of a model of ``torchaudio.pipelines`` before that is imported."""

    file: str
    dim: int
    normalised: bool = False


BUNDLES: Final[Mapping[str, Bundle]] = {
    "WAV2VEC2_BASE": Bundle("wav2vec2_fairseq_base_ls960.pth", 768),
    "WAV2VEC2_LARGE": Bundle("wav2vec2_fairseq_large_ls960.pth", 1024),
    "WAV2VEC2_LARGE_LV60K": Bundle("wav2vec2_fairseq_large_lv60k.pth", 1024, normalised=True),
    "WAV2VEC2_XLSR53": Bundle("wav2vec2_fairseq_large_xlsr53.pth", 1024, normalised=True),
    "WAV2VEC2_XLSR_300M": Bundle("wav2vec2_xlsr_300m.pth", 1024, normalised=True),
    "HUBERT_BASE": Bundle("hubert_fairseq_base_ls960.pth", 768),
    "HUBERT_LARGE": Bundle("hubert_fairseq_large_ll60k.pth", 1024, normalised=True),
}
"""Those that are known by name; another is described by its parameters."""

PARAMETERS: Final = (
    "extractor_mode",
    "extractor_conv_layer_config",
    "extractor_conv_bias",
    "encoder_embed_dim",
    "encoder_projection_dropout",
    "encoder_pos_conv_kernel",
    "encoder_pos_conv_groups",
    "encoder_num_layers",
    "encoder_num_heads",
    "encoder_attention_dropout",
    "encoder_ff_interm_features",
    "encoder_ff_interm_dropout",
    "encoder_dropout",
    "encoder_layer_norm_first",
    "encoder_layer_drop",
    "aux_num_out",
)
"""Of ``torchaudio.models.wav2vec2_model``."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """``told``: a bundle's name, or the parameters of ``wav2vec2_model``."""

    told: str | Mapping[str, Any]
    dim: int
    normalised: bool  # whether a waveform is brought to mean 0 and deviation 1 first


def architecture_of(folder: Folder) -> Architecture:
    """What the folder's ``config.json`` says; without one, that of a bundle's own file."""
    path = folder.path / CONFIG
    if CONFIG not in folder.files:
        stems = {Path(one).stem for one in folder.files}  # also of what was converted
        names = (name for name, one in BUNDLES.items() if Path(one.file).stem in stems)
        if (name := next(names, None)) is None:
            raise ConfigError(
                f"{path} is not there: write one that says which model it is,"
                ' {"architecture": "WAV2VEC2_BASE"}'
            )
        return _of_bundle(name)
    told = folder.json(CONFIG)
    rate = told.get("sample_rate", RATE)
    if rate != RATE:
        raise ConfigError(f"{path}: sample_rate is {rate!r}, not {RATE}")
    found = told.get("architecture")
    if isinstance(found, str) and found in BUNDLES:
        return _of_bundle(found)
    if isinstance(found, dict) and set(found) == set(PARAMETERS):
        normalised = bool(told.get("normalize_waveform", False))
        return Architecture(found, int(found["encoder_embed_dim"]), normalised)
    if isinstance(found, dict):
        wrong = ", ".join(sorted(set(found) ^ set(PARAMETERS)))
        raise ConfigError(f"{path}: architecture lacks, or has without being known: {wrong}")
    raise ConfigError(f"{path}: architecture is {found!r}; known: {', '.join(BUNDLES)}")


def _of_bundle(name: str) -> Architecture:
    return Architecture(name, BUNDLES[name].dim, BUNDLES[name].normalised)
