"""A pickle of weights that a person trusts → safetensors, which runs no code when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.weights.folder import MODEL, PICKLES, SAFE
from mmcore.encoders.weights.hashes import read_hash
from mmcore.encoders.weights.pinned import load_trusted
from mmcore.errors import ConfigError, UnsafeWeightsError

if TYPE_CHECKING:
    import torch

NAMES: Final[Mapping[str, str]] = {
    "pytorch_model.bin": MODEL,
    "open_clip_pytorch_model.bin": "open_clip_model.safetensors",
}
"""What is made of a file by default, where what loads it looks for another name."""

_GROWN: Final = 20
"""Times that tensors may be as large as their file: tied ones are written once in it."""

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
    to = target or target_of(source)
    if not source.is_file():
        raise ConfigError(f"{source}: there is no such file")
    if to.suffix != SAFE:
        raise ConfigError(f"{to}: what is written ends with {SAFE}")
    if to.exists() and not force:
        raise ConfigError(f"{to}: is there already; --force replaces it")
    found, left_out = _tensors(_state(load_trusted(source)), source)
    _write(found, to)
    return Converted(source, read_hash(source), to, len(found), left_out)


def target_of(source: Path) -> Path:
    """The file that is made of a pickle, where nothing else is said."""
    named = NAMES.get(source.name)
    return source.with_name(named) if named else source.with_suffix(SAFE)


def only_pickled(folder: Path, wanted: str = "") -> UnsafeWeightsError:
    """What to say of a folder whose weights are in a pickle that nobody pins.

    ``wanted``: the one name that is loaded; none: any that ends as safetensors do.
    """
    found = sorted(one for one in folder.iterdir() if one.suffix in PICKLES)
    found = [one for one in found if target_of(one).name == wanted] or found
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "no weights"
        return UnsafeWeightsError(
            folder, f"it holds {names}, but has to hold {wanted or f'one file of {SAFE}'}"
        )
    made = target_of(found[0])
    named = f" --to {quote(str(folder / wanted))}" if wanted not in ("", made.name) else ""
    return UnsafeWeightsError(
        found[0],
        "a pickle is only opened where the preset pins its sha256: `mmindex encoders convert"
        f" {quote(str(found[0]))}{named}` makes safetensors of one that you trust",
    )


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
    tensors = {n: v for n, v in state.items() if isinstance(v, torch.Tensor)}
    if not tensors:
        raise UnsafeWeightsError(source, "it holds no tensors by name")
    if len({str(name) for name in tensors}) < len(tensors):
        raise UnsafeWeightsError(source, "two of its names are one text")
    _check_plain(tensors, source)
    found = {str(name): value.detach().contiguous().clone() for name, value in tensors.items()}
    return found, tuple(str(name) for name in state if str(name) not in found)


def _check_plain(tensors: Mapping[Any, torch.Tensor], source: Path) -> None:
    """UnsafeWeightsError for tensors that safetensors do not have, or that are made of little.

    A tensor may repeat one number ten thousand million times, and fit a file of a few bytes.
    """
    import torch  # noqa: PLC0415 - see _tensors

    for name, value in tensors.items():
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise UnsafeWeightsError(source, f"{name} is sparse, quantised or has no numbers")
    size = sum(value.numel() * value.element_size() for value in tensors.values())
    if size > _GROWN * source.stat().st_size:
        raise UnsafeWeightsError(
            source, f"it would take {size / 1e9:,.1f} GB: tensors in it repeat a few numbers"
        )


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
