"""wav2vec 2.0 (Baevski et al., 2020, arXiv:2006.11477): sounds, speech above all, by torchaudio.

A window's vector is the mean over time of what the last transformer layer gives, as torchaudio's
``extract_features`` has it. The space is its own: no text asks in it without a projection.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved, share_cores, torch_dtype
from mmcore.encoders.families.hub import check_pins
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.lengths import Samples, lengths_of, longest_window
from mmcore.encoders.families.wav2vec2_bundles import CONFIG, Architecture, architecture_of
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import SAFE, Folder, folder_of
from mmcore.encoders.weights.pinned import load_state
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError, MissingExtraError
from mmcore.media.sounds.resample import RATE
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

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


_FILES: Final = (CONFIG, "*.safetensors", "*.pth")


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``wav2vec2``."""
    if find_spec("torchaudio") is None:
        raise MissingExtraError(f"the preset {NAME!r}", NAME)
    share_cores()
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime, _FILES)
    found = architecture_of(folder)
    keys = Keys(NAME, VERSION, folder.digest, segmentation)
    facts = {
        "architecture": found.told,
        "normalised": found.normalised,
        "pooled": "mean over time of the last layer",
        "rate": RATE,
    }
    key = keys.key(NAME, Modality.AUDIO, found.dim, **facts)
    model = Model(
        name=keys.model(),
        licence=folder.licence,
        folder=folder,
        load=lambda compute: _run(folder, found, compute),
        most=CLIPS,
    )
    return ArrayEncoder(key, Samples(longest_window(segmentation, RATE)), model, runtime)


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
    pinned = [name for name in folder.files if name in folder.pins]
    if safe or len(pinned) > 1:
        names = ", ".join([*safe, *pinned])
        raise ConfigError(f"{folder.path} has to hold one file of weights; it holds {names}")
    if not pinned:
        raise only_pickled(folder.path)
    return load_state(folder.path / pinned[0], folder.pins[pinned[0]])
