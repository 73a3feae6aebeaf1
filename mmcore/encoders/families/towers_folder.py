"""The folder of three towers that a training wrote: its config, its words, its network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.errors import ConfigError
from mmcore.specs import Spec

if TYPE_CHECKING:
    import torch

    from mmcore.encoders.families.towers_network import Towers

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
VOCABULARY: Final = "vocab.txt"
FILES: Final = (CONFIG, WEIGHTS, VOCABULARY)
"""What decides vectors; what else a training writes is for people, and for measuring."""

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
