"""Sounds by a recurrent network over log-mel frames, which is trained on the user's own sounds.

``lstm`` and ``gru``. There are no published weights: ``mmcore.training.recurrent`` makes them by
autoregressive predictive coding (Chung et al., 2019, arXiv:1904.03240). A vector has the mean over
time of the last layer's states and their deviation, each brought to a common scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved, share_cores
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.lengths import filled_up, lengths_of, longest_window
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.errors import ConfigError
from mmcore.media.sounds.features import BANDS, FRAMES, log_mel
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

VERSION: Final = 1
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"


def _preset(kind: str) -> Preset:
    about = f"sounds by an {kind.upper()} trained on your own sounds; in a space of their own"
    told = about.replace("an GRU", "a GRU")
    return Preset(encoders=(kind,), about=told, needs="FOLDER", media="audio")


LSTM: Final = _preset("lstm")
GRU: Final = _preset("gru")


@dataclass(frozen=True, slots=True)
class Frames:
    """A window as log-mel frames: (``count``, 64), one each 10 ms, NaN behind the last one."""

    count: int
    dtype = "float32"

    @property
    def shape(self) -> tuple[int, int]:
        """Of what ``shaped`` gives."""
        return (self.count, BANDS)

    def shaped(self, samples: Waveform) -> NDArray[np.float32]:
        """Mono samples at 16 kHz → (count, 64)."""
        return filled_up(log_mel(samples).T, self.count)


def frames_of(samples: int) -> int:
    """Frames of so many samples at 16 kHz."""
    return 1 + samples * FRAMES // RATE


def build_lstm(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``lstm``."""
    return _build("lstm", segmentation, runtime)


def build_gru(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``gru``."""
    return _build("gru", segmentation, runtime)


def _build(kind: str, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    share_cores()
    folder = folder_of(kind, None, runtime, (CONFIG, WEIGHTS))
    hidden, layers = _sizes(folder, kind)
    keys = Keys(kind, VERSION, folder.digest, segmentation)
    pooled = "mean and deviation of states over time, scaled"
    key = keys.key(kind, Modality.AUDIO, 2 * hidden, bands=BANDS, rate=RATE, pooled=pooled)
    model = Model(
        name=keys.model(),
        licence=folder.licence,
        folder=folder,
        load=lambda compute: _run(folder, (kind, hidden, layers), compute),
    )
    # So small a network gains nothing from bfloat16, and a thousand steps add up its errors
    exact = runtime.model_copy(update={"dtype": "float32"})
    recipe = Frames(frames_of(longest_window(segmentation, RATE)))
    return ArrayEncoder(key, recipe, model, exact)


def _sizes(folder: Folder, kind: str) -> tuple[int, int]:
    """Hidden numbers and layers; ConfigError where the folder holds something else."""
    told = folder.json(CONFIG)
    expected: dict[str, Any] = {"architecture": kind, "bands": BANDS, "rate": RATE}
    for name, value in expected.items():
        if told.get(name) != value:
            raise ConfigError(
                f"{folder.path / CONFIG}: {name} is {told.get(name)!r}, not {value!r}"
            )
    for name in ("hidden", "layers"):
        if not isinstance(told.get(name), int) or told[name] < 1:
            raise ConfigError(
                f"{folder.path / CONFIG}: {name} is {told.get(name)!r}, not a number above 0"
            )
    if WEIGHTS not in folder.files:
        raise only_pickled(folder.path, WEIGHTS)
    return told["hidden"], told["layers"]


def _run(folder: Folder, sizes: tuple[str, int, int], compute: Compute) -> Run:
    """(n, count, 64) → (n, 2 hidden)."""
    import torch  # noqa: PLC0415 - making an encoder loads no torch
    from safetensors.torch import load_file  # noqa: PLC0415 - imports torch

    from mmcore.encoders.families.recurrent_network import Recurrent  # noqa: PLC0415 - as well

    kind, hidden, layers = sizes
    network = Recurrent(kind, BANDS, hidden, layers)
    try:
        network.load_state_dict(load_file(folder.path / WEIGHTS))
    except RuntimeError as error:
        why = " ".join(str(error).split())[:300]
        raise ConfigError(f"{folder.path}: the weights are of another network ({why})") from error
    network.eval().requires_grad_(False).to(compute.device)

    def run(batch: NDArray[np.float32]) -> torch.Tensor:
        lengths = lengths_of(batch)
        frames = np.nan_to_num(batch[:, : lengths.max()])
        with torch.inference_mode():
            return network.pooled(moved(frames, compute.device), moved(lengths, compute.device))

    return run
