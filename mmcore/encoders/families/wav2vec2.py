"""wav2vec 2.0 (Baevski et al., 2020, arXiv:2006.11477): sounds, speech above all, by torchaudio.

A window's vector is the mean over time of what the last transformer layer gives, as torchaudio's
``extract_features`` has it. The space is its own: no text asks in it without a projection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved, share_cores, torch_dtype
from mmcore.encoders.families.hub import check_pins
from mmcore.encoders.families.lengths import filled_up, lengths_of, longest_window
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.weights.folder import SAFE, Folder, folder_of
from mmcore.encoders.weights.pinned import load_state
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError, MissingExtraError, UnsafeWeightsError
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.media.versions import cutting
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality, digest

if TYPE_CHECKING:
    import torch

NAME: Final = "wav2vec2"
VERSION: Final = 1
CLIPS: Final = 4
"""Clips of a batch on a CPU: the first layers have 65 MB of each."""

PRESET: Final = Preset(
    encoders=(NAME,),
    about="sounds, speech above all, by wav2vec 2.0; in a space of their own",
    extra=NAME,
    media="audio",
    releases=(
        Release("torchaudio", "torchaudio/wav2vec2_base", "MIT", bytes=378_000_000, dim=768),
    ),
)


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

_CONFIG: Final = "config.json"
_FILES: Final = (_CONFIG, "*.safetensors", "*.pth")


@dataclass(frozen=True, slots=True)
class Architecture:
    """``told``: a bundle's name, or the parameters of ``wav2vec2_model``."""

    told: str | Mapping[str, Any]
    dim: int
    normalised: bool  # whether a waveform is brought to mean 0 and deviation 1 first


@dataclass(frozen=True, slots=True)
class Samples:
    """A window as it is: (``count``,) samples at 16 kHz, NaN behind the last one."""

    count: int
    dtype = "float32"

    @property
    def shape(self) -> tuple[int]:
        """Of what ``shaped`` gives."""
        return (self.count,)

    def shaped(self, samples: Waveform) -> NDArray[np.float32]:
        """Mono samples at 16 kHz → (count,)."""
        return filled_up(np.asarray(samples, dtype=np.float32), self.count)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``wav2vec2``."""
    if find_spec("torchaudio") is None:
        raise MissingExtraError(f"the preset {NAME!r}", NAME)
    share_cores()
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime, _FILES)
    found = _architecture(folder)
    reads = (Modality.AUDIO, Modality.VIDEO)
    made_of = {
        "family": NAME,
        "weights": folder.digest,
        "architecture": found.told,
        "normalised": found.normalised,
        "pooled": "mean over time of the last layer",
        "rate": RATE,
        "cutting": cutting(segmentation, Modality.AUDIO, *reads),
        "version": VERSION,
    }
    space = f"{NAME}-{folder.digest[:8]}"
    key = EncoderKey(Modality.AUDIO, NAME, digest(made_of), space, found.dim, reads)
    model = Model(
        name=f"{NAME} {folder.digest[:8]}",
        licence=folder.licence,
        load=lambda compute: _run(folder, found, compute),
        most=CLIPS,
    )
    return ArrayEncoder(key, Samples(longest_window(segmentation, RATE)), model, runtime)


def _architecture(folder: Folder) -> Architecture:
    """What the folder's ``config.json`` says; without one, that of a bundle's own file."""
    path = folder.path / _CONFIG
    if _CONFIG not in folder.files:
        names = (name for name, one in BUNDLES.items() if one.file in folder.files)
        if (name := next(names, None)) is None:
            raise ConfigError(
                f"{path} is not there: write one that says which model it is,"
                ' {"architecture": "WAV2VEC2_BASE"}'
            )
        return _of_bundle(name)
    told = folder.json(_CONFIG)
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


def _run(folder: Folder, found: Architecture, compute: Compute) -> Run:
    """(n, count) → (n, d).

    Windows of one length go through the model together, each other one alone: the first layer
    normalises over time, so that what a shorter one were filled up with would be heard.
    """
    model = _model(folder, found, compute)
    least = _least(model)

    def run(batch: NDArray[np.float32]) -> torch.Tensor:
        import torch  # noqa: PLC0415 - making an encoder loads no torch

        lengths = lengths_of(batch)
        vectors = torch.empty((len(batch), found.dim), device=compute.device)
        for length in np.unique(lengths).tolist():
            places = np.nonzero(lengths == length)[0]
            rows = np.zeros((len(places), max(least, length)), dtype=np.float32)
            rows[:, :length] = batch[places, :length]
            waves = moved(rows, compute.device)
            with torch.inference_mode():
                if found.normalised:  # each by itself; the library's takes a batch as one
                    waves = torch.nn.functional.layer_norm(waves, waves.shape[1:])
                layers, _ = model.extract_features(waves)
                vectors[torch.from_numpy(places)] = layers[-1].float().mean(dim=1)
        return vectors

    return run


def _least(model: Any) -> int:
    """Samples of the shortest sound that the convolutions give a frame for."""
    count = 1
    for layer in reversed(model.feature_extractor.conv_layers):
        count = (count - 1) * layer.stride + layer.kernel_size
    return int(count)


def _model(folder: Folder, found: Architecture, compute: Compute) -> Any:
    """The model of torchaudio, for inference, on its device.

    The convolutions stay in float32: samples of bfloat16 are noisy.
    """
    import torchaudio  # noqa: PLC0415 - making an encoder loads no torch

    told = found.told
    made = dict(getattr(torchaudio.pipelines, told)._params if isinstance(told, str) else told)
    made["extractor_conv_layer_config"] = [
        tuple(layer) for layer in made["extractor_conv_layer_config"]
    ]
    model = torchaudio.models.wav2vec2_model(**made)
    try:
        model.load_state_dict(_state(folder))
    except RuntimeError as error:
        why = " ".join(str(error).split())[:300]
        raise ConfigError(f"{folder.path}: the weights are of another model ({why})") from error
    model.eval().requires_grad_(False).to(compute.device)
    dtype = torch_dtype(compute)
    model.encoder.to(dtype)
    model.encoder.feature_projection.register_forward_pre_hook(
        lambda _, given: (given[0].to(dtype),)
    )
    return model


def _state(folder: Folder) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file  # noqa: PLC0415 - imports torch

    check_pins(folder)
    safe = [name for name in folder.files if name.endswith(SAFE)]
    if len(safe) == 1:
        return load_file(folder.path / safe[0])
    pickled = _pickled(folder, safe)
    if pickled not in folder.pins:
        raise UnsafeWeightsError(
            folder.path / pickled,
            "a pickle is only opened where the preset pins its sha256:"
            f" `mmindex encoders convert {folder.path}` makes safetensors of one that you trust",
        )
    return load_state(folder.path / pickled, folder.pins[pickled])


def _pickled(folder: Folder, safe: Sequence[str]) -> str:
    """The one file of weights that is no safetensors."""
    found = [name for name in folder.files if name.endswith(".pth")]
    if safe or len(found) != 1:
        names = ", ".join([*safe, *found]) or "none"
        raise ConfigError(f"{folder.path} has to hold one file of weights; it holds {names}")
    return found[0]
