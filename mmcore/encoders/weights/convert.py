"""A pickle of weights that a person trusts → safetensors, which runs no code when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.weights.folder import SAFE
from mmcore.encoders.weights.hashes import read_hash
from mmcore.encoders.weights.pinned import load_trusted
from mmcore.errors import ConfigError, UnsafeWeightsError

if TYPE_CHECKING:
    import torch

_INSIDE: Final = ("state_dict", "model")  # where training programs put a model's weights


@dataclass(frozen=True, slots=True)
class Converted:
    """What was read, and what was written. ``left_out``: entries that are no tensors."""

    source: Path
    sha256: str  # of the source
    path: Path
    tensors: int
    left_out: tuple[str, ...] = ()


def convert(source: Path, target: Path | None = None, *, force: bool = False) -> Converted:
    """Write the tensors of ``source``, a file of ``torch.save``, as safetensors.

    Only tensors and plain containers are read (``weights_only``): UnsafeWeightsError for a file
    with anything else. Tensors that share memory are written each by itself. ConfigError for a
    file that is not there, and for a target that is, without ``force``.
    """
    to = target or source.with_suffix(SAFE)
    if not source.is_file():
        raise ConfigError(f"{source}: there is no such file")
    if to.suffix != SAFE:
        raise ConfigError(f"{to}: what is written ends with {SAFE}")
    if to.exists() and not force:
        raise ConfigError(f"{to}: is there already; --force replaces it")
    found, left_out = _tensors(_state(load_trusted(source)), source)
    _write(found, to)
    return Converted(source, read_hash(source), to, len(found), left_out)


def _state(found: Any) -> Any:
    """The weights, where a program of training put them beside other things."""
    if isinstance(found, Mapping):
        for name in _INSIDE:
            if isinstance(found.get(name), Mapping):
                return found[name]
    return found


def _tensors(state: Any, source: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Each tensor with memory of its own, in order; and the names of what is none."""
    import torch  # noqa: PLC0415 - weights load torch

    if not isinstance(state, Mapping):
        raise UnsafeWeightsError(
            source, f"it holds a {type(state).__name__}, no names and tensors"
        )
    found = {
        str(name): value.detach().contiguous().clone()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    if not found:
        raise UnsafeWeightsError(source, "it holds no tensors by name")
    return found, tuple(str(name) for name in state if str(name) not in found)


def _write(found: dict[str, torch.Tensor], path: Path) -> None:
    """Write a file whole, or none."""
    from safetensors.torch import save_file  # noqa: PLC0415 - loads torch

    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(path.name + ".partial")
    try:
        save_file(found, building, metadata={"format": "pt"})
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)
