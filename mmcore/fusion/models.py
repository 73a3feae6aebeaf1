"""Trained fusions as files: ``fusion.safetensors``, ``config-<hash>.json`` and a card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mmcore.errors import ConfigError
from mmcore.fusion.base import Files
from storage.schemas import digest, is_record, record_name

FORMAT: Final = 1
TENSORS, CARD = "fusion.safetensors", "card.md"
_DAMAGED: Final = "`mmindex snapshots verify` looks for damage"

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """A trained fusion: what its network is like, and its tensors.

    ``told``: what else its record says (``fitted_on``, ``seed``, ``trials`` …), which decides no
    vector: an erasure writes another one.
    """

    kind: str  # mlp or attention
    version: str  # "f1", "f2" …
    space: str  # the shared space that it was trained in
    architecture: Mapping[str, Any]  # ``dim`` among it
    tensors: Tensors
    told: Mapping[str, Any]

    @property
    def dim(self) -> int:
        """Numbers of the vectors that it fuses."""
        return int(self.architecture["dim"])

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides a fused vector."""
        hasher = hashlib.sha256()
        for name in sorted(self.tensors):
            tensor = np.ascontiguousarray(self.tensors[name], dtype=np.float32)
            hasher.update(f"{name}{tensor.shape}".encode())
            hasher.update(tensor.data)
        made_of = {"format": FORMAT, "fusion": self.kind, "network": dict(self.architecture)}
        return digest({**made_of, "space": self.space, "tensors": hasher.hexdigest()})

    def to_files(self, card: str) -> dict[str, bytes]:
        """What a version of it consists of."""
        told = {
            **self.told,
            "format": FORMAT,
            "fusion": self.kind,
            "version": self.version,
            "space": self.space,
            "network": dict(self.architecture),
        }
        record = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True).encode()
        tensors = {
            name: np.ascontiguousarray(tensor, dtype=np.float32)
            for name, tensor in self.tensors.items()
        }
        return {TENSORS: save(tensors), record_name(record): record, CARD: card.encode()}

    @classmethod
    def from_files(cls, files: Files) -> FusionModel:
        """What ``to_files`` wrote; ConfigError for another format, or what is none."""
        told = record_of(files)
        if told.get("format") != FORMAT:
            raise ConfigError(
                f"a trained fusion of format {told.get('format')}, and this mmindex knows"
                f" {FORMAT}: use the mmindex that trained it, or train anew (`mmindex train`)"
            )
        try:
            tensors = {name: np.array(tensor) for name, tensor in load(files[TENSORS]).items()}
            network = told["network"]
            _check(network, tensors)
            return cls(
                told["fusion"], told["version"], told["space"], network, tensors, _rest(told)
            )
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ConfigError(f"a trained fusion cannot be read ({error}): {_DAMAGED}") from error


def _check(network: Any, tensors: Mapping[str, NDArray[Any]]) -> None:
    """ValueError unless there is an architecture, and each tensor is of finite float32 numbers."""
    if not isinstance(network, Mapping) or type(network.get("dim")) is not int:
        raise ValueError("its record says nothing of a network")
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
            raise ValueError(f"the tensor {name} is not of finite float32 numbers")


def record_of(files: Files) -> dict[str, Any]:
    """The one record among ``files``, as JSON; ConfigError where there is none, or another."""
    names = [name for name in files if is_record(name)]
    if len(names) != 1:
        raise ConfigError(
            f"a trained fusion with {len(names)} records where one is expected: {_DAMAGED}"
        )
    try:
        told = json.loads(files[names[0]])
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the record of a trained fusion is no JSON: {_DAMAGED}") from error
    if not isinstance(told, dict):
        raise ConfigError(f"the record of a trained fusion says nothing: {_DAMAGED}")
    return told


def _rest(told: Mapping[str, Any]) -> dict[str, Any]:
    own = {"format", "fusion", "version", "space", "network"}
    return {name: value for name, value in told.items() if name not in own}
