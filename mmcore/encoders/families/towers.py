"""Pictures, frames, texts and sounds by three towers that were trained end to end here.

There are no published weights: ``mmcore.training.towers`` makes them of the user's own media. All
four encoders have one joint space.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, ValidationError

from mmcore.encoders.compute.device import Compute, moved, share_cores
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.lengths import filled_up, lengths_of, longest_window
from mmcore.encoders.families.towers_words import PADDING, Vocabulary
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import TextEncoder, TextModel, padded
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.errors import ConfigError
from mmcore.media.images.fit import square
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.specs import RuntimeSpec, SegmentationSpec, Spec
from storage.schemas import Modality

if TYPE_CHECKING:
    import torch

    from mmcore.encoders.families.towers_network import Towers

NAME: Final = "towers"
VERSION: Final = 1
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
VOCABULARY: Final = "vocab.txt"
FILES: Final = (CONFIG, WEIGHTS, VOCABULARY)
"""What decides vectors; what else a training writes is for people, and for measuring."""

PRESET: Final = Preset(
    encoders=("towers-text", "towers-image", "towers-frames", "towers-audio"),
    about="pictures, frames, texts and sounds in one space, trained on your own media",
    languages="zh, en; whatever it is trained on",
    needs="FOLDER",
)


Channels = Annotated[int, Field(ge=2, le=4096, multiple_of=2)]
Width = Annotated[int, Field(ge=1, le=65_536)]


class TowersConfig(Spec):
    """What ``config.json`` holds: the network's shape, and what is done before it."""

    architecture: Literal["towers"] = "towers"
    side: int = Field(ge=1, le=4096, description="pixels of the square a picture is fitted in")
    rate: Literal[16000] = 16000
    words: int = Field(ge=2, le=10_000_000, description="words of vocab.txt, and two more")
    longest: int = Field(ge=1, le=1_000_000, description="words that are read at once")
    pictures: tuple[Channels, ...] = Field(min_length=1, max_length=16)
    sounds: tuple[Channels, ...] = Field(min_length=2, max_length=16)
    embedding: Width
    hidden: Width
    features: Width
    dim: Width
    classes: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Samples:
    """A window as its samples: (``count``,), NaN behind the last one."""

    count: int
    dtype = "float32"

    @property
    def shape(self) -> tuple[int]:
        """Of what ``shaped`` gives."""
        return (self.count,)

    def shaped(self, samples: Waveform) -> NDArray[np.float32]:
        """Mono samples at 16 kHz → (count,)."""
        return filled_up(np.asarray(samples, dtype=np.float32), self.count)


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


def read_config(folder: Path) -> TowersConfig:
    """``config.json`` of a folder that training wrote; ConfigError for another one."""
    path = folder / CONFIG
    try:
        return _config(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, RecursionError) as error:
        why = error
        if isinstance(error, ValidationError):
            told = error.errors()[0]
            where = ".".join(map(str, told["loc"]))
            raise ConfigError(f"{path}: {where}: {told['msg']}") from None
        raise ConfigError(f"{path}: is not of three towers ({why})") from error


@cache
def _config(path: Path, changed: int) -> TowersConfig:
    del changed  # another content is another call
    return TowersConfig.model_validate(json.loads(path.read_text("utf-8")))


def read_vocabulary(
    folder: Path, config: TowersConfig, dictionaries: Sequence[str] = ()
) -> Vocabulary:
    """The words of a folder that training wrote."""
    return Vocabulary.read(folder / VOCABULARY, config.words - 2, dictionaries)


def read_network(folder: Path, config: TowersConfig) -> Towers:
    """The network of a folder, for inference, on the CPU; ConfigError for other weights.

    They are looked at before the network is made, which may be as large as ``config`` likes.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - with torch
    from safetensors.torch import load_file  # noqa: PLC0415 - making an encoder loads no torch

    from mmcore.encoders.families.towers_network import Towers  # noqa: PLC0415 - as well

    try:
        state = load_file(folder / WEIGHTS)
        _check_weights(folder, state, config)
        network = Towers(sizes_of(config))
        network.load_state_dict(state)
    except (OSError, RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:300]
        raise ConfigError(f"{folder / WEIGHTS}: cannot be loaded ({why})") from error
    return network.eval().requires_grad_(False)


def _check_weights(folder: Path, state: Mapping[str, torch.Tensor], config: TowersConfig) -> None:
    """ConfigError unless they are finite numbers of float32 and the network's shapes."""
    import torch  # noqa: PLC0415 - as above

    from mmcore.encoders.families.towers_network import Towers  # noqa: PLC0415 - as above

    least = max(config.words * config.embedding, config.hidden**2, config.features)
    there = {name: tuple(one.shape) for name, one in state.items()}
    fits = least <= sum(one.numel() for one in state.values())  # else nothing is made at all
    made = Towers(sizes_of(config)).state_dict() if fits else {}
    if there != {name: tuple(one.shape) for name, one in made.items()}:
        raise ConfigError(f"{folder}: the weights are of another network than {CONFIG} says")
    for name, one in state.items():
        if one.dtype != torch.float32 or not bool(one.isfinite().all()):
            raise ConfigError(
                f"{folder / WEIGHTS}: {name} is not of finite float32 numbers: train anew"
            )


def sizes_of(config: TowersConfig) -> Any:
    """The ``Sizes`` of a network without dropout."""
    from mmcore.encoders.families.towers_network import Sizes  # noqa: PLC0415 - imports torch

    told = config.model_dump(exclude={"architecture", "side", "rate", "longest", "classes"})
    return Sizes(**told, classes=len(config.classes))


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
