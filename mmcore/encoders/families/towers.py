"""Pictures, frames, texts and sounds by three towers that were trained end to end here.

There are no published weights: ``mmcore.training.towers`` makes them of the user's own media. All
four encoders have one joint space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmcore.encoders.compute.device import Compute, moved, share_cores
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.lengths import Samples, lengths_of, longest_window
from mmcore.encoders.families.towers_folder import (
    FILES,
    WEIGHTS,
    TowersConfig,
    read_config,
    read_network,
    read_vocabulary,
)
from mmcore.encoders.families.towers_words import PADDING
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import TextEncoder, TextModel, padded
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.media.images.fit import square
from mmcore.media.sounds.resample import RATE
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

    from mmcore.encoders.families.towers_network import Towers

NAME: Final = "towers"
VERSION: Final = 1
PRESET: Final = Preset(
    encoders=("towers-text", "towers-image", "towers-frames", "towers-audio"),
    about="pictures, frames, texts and sounds in one space, trained on your own media",
    languages="zh, en; whatever it is trained on",
    needs="FOLDER",
)


@dataclass(frozen=True, slots=True)
class Square:
    """A picture in the square that the network is trained on: padded with white."""

    side: int
    dtype = "uint8"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what ``shaped`` gives."""
        return (self.side, self.side, 3)

    def shaped(self, image: Image.Image) -> NDArray[np.uint8]:
        """An upright RGB picture → (side, side, 3)."""
        return square(image, self.side)


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``towers-text``: a text's jieba words, in windows of as many as were learnt."""
    made = _Made.of(segmentation, runtime)
    key = made.keys.key(
        "towers-text", Modality.TEXT, made.config.dim, tower="text", longest=made.config.longest
    )
    dictionaries = segmentation.text_dictionaries
    return TextEncoder(
        key,
        made.model("text", lambda compute: _text(made, dictionaries, compute)),
        made.runtime,
        most=made.config.longest,
    )


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``towers-image``."""
    return _pictures("towers-image", Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``towers-frames``: the same tower for frames of videos."""
    return _pictures("towers-frames", Modality.VIDEO, segmentation, runtime)


def build_audio(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ArrayEncoder:
    """The encoder ``towers-audio``: sounds, and the sound of videos."""
    made = _Made.of(segmentation, runtime)
    key = made.keys.key("towers-audio", Modality.AUDIO, made.config.dim, tower="audio", rate=RATE)
    model = made.model("audio", lambda compute: _sounds(made, compute))
    recipe = Samples(longest_window(segmentation, RATE))
    return ArrayEncoder(key, recipe, model, made.runtime, rate=RATE)


def _pictures(
    name: str, modality: Modality, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> ArrayEncoder:
    made = _Made.of(segmentation, runtime)
    side = made.config.side
    key = made.keys.key(name, modality, made.config.dim, tower="image", side=side, fitted="white")
    model = made.model("image", lambda compute: _squares(made, compute))
    return ArrayEncoder(key, Square(side), model, made.runtime, size=side)


@dataclass(frozen=True, slots=True)
class _Made:
    """One folder of weights, and the run that its encoders are made for."""

    folder: Folder
    config: TowersConfig
    keys: Keys
    runtime: RuntimeSpec

    @classmethod
    def of(cls, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> _Made:
        """Loads no weights; ConfigError where the folder holds something else."""
        share_cores()
        folder = folder_of(NAME, None, runtime, FILES)
        config = read_config(folder.path)
        if WEIGHTS not in folder.files:
            raise only_pickled(folder.path, WEIGHTS)
        keys = Keys(NAME, VERSION, folder.digest, segmentation)
        # So small a network gains nothing from bfloat16
        return cls(folder, config, keys, runtime.model_copy(update={"dtype": "float32"}))

    def model(self, tower: str, load: Callable[[Compute], Any]) -> Model[Any]:
        """What an encoder of the folder loads once a process."""
        return Model(self.keys.model(tower), self.folder.licence, load, folder=self.folder)


def _network(made: _Made, compute: Compute) -> Towers:
    return read_network(made.folder.path, made.config).to(compute.device)


def _squares(made: _Made, compute: Compute) -> Run:
    """(n, side, side, 3) uint8 → (n, dim)."""
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    network = _network(made, compute)

    def run(pixels: NDArray[np.uint8]) -> torch.Tensor:
        with torch.inference_mode():
            batch = moved(pixels, compute.device).permute(0, 3, 1, 2).float() / 255
            return network.vectors("image", network.image(batch))

    return run


def _sounds(made: _Made, compute: Compute) -> Run:
    """(n, count) samples, NaN behind the end → (n, dim)."""
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    network = _network(made, compute)

    def run(batch: NDArray[np.float32]) -> torch.Tensor:
        lengths = lengths_of(batch)
        samples = np.nan_to_num(batch[:, : max(1, lengths.max())])
        with torch.inference_mode():
            there = moved(lengths, compute.device)
            return network.vectors("audio", network.audio(moved(samples, compute.device), there))

    return run


def _text(made: _Made, dictionaries: Sequence[str], compute: Compute) -> TextModel:
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    network = _network(made, compute)
    words = read_vocabulary(made.folder.path, made.config, dictionaries)

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        numbers, mask = padded(rows, PADDING)
        with torch.inference_mode():
            told = moved(numbers, compute.device), moved(mask.sum(axis=1), compute.device)
            return network.vectors("text", network.text(*told))

    return TextModel(words, run)
