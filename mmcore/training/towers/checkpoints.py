"""Checkpoints of a training: tensors as safetensors, the rest as JSON; no pickle.

Imported where torch is at work only.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmcore.errors import ConfigError
from mmcore.training.loop.curves import Point

NAME: Final = "checkpoint.json"
"""Names the tensors that count: it is written after them, and replaced at once."""

State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training after some epochs; ``optimiser``: of each parameter by name."""

    identity: str  # of what is learnt from, and how
    points: tuple[Point, ...]
    network: State
    best: State
    optimiser: Mapping[str, State]


def folder_of(to: Path) -> Path:
    """Where the checkpoints of a training into ``to`` lie."""
    return to.with_name(f".{to.name}.checkpoints")


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """The checkpoint takes the place of the one before; a crash leaves one of the two whole."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"epoch-{len(checkpoint.points):05d}.safetensors"
    tensors = {f"network/{key}": value for key, value in checkpoint.network.items()}
    tensors |= {f"best/{key}": value for key, value in checkpoint.best.items()}
    for parameter, state in checkpoint.optimiser.items():
        tensors |= {f"optimiser/{parameter}/{key}": value for key, value in state.items()}
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    temporary = folder / f"{name}.tmp"
    save_file(whole, temporary)
    temporary.replace(folder / name)
    told = {
        "tensors": name,
        "identity": checkpoint.identity,
        "points": [point.to_json() for point in checkpoint.points],
    }
    temporary = folder / f"{NAME}.tmp"
    temporary.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    temporary.replace(folder / NAME)
    for old in folder.glob("epoch-*"):
        if old.name != name:
            old.unlink()


def read(folder: Path, identity: str) -> Checkpoint | None:
    """The checkpoint of an interrupted training; None where there is none.

    ConfigError for one of other settings or other media, and for a damaged one.
    """
    if not (folder / NAME).is_file():
        return None
    try:
        told = json.loads((folder / NAME).read_text("utf-8"))
        tensors = load_file(folder / told["tensors"])
        points = tuple(points_of(told["points"]))
        found = told["identity"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ConfigError(f"{folder}: is damaged ({error}): remove it, and train anew") from error
    if found != identity:
        raise ConfigError(
            f"{folder}: is of other settings, or of media that have changed: go on with those, or"
            " train anew without --resume"
        )
    optimiser: dict[str, dict[str, Tensor]] = {}
    for key, value in _below("optimiser", tensors).items():
        parameter, _, name = key.rpartition("/")
        optimiser.setdefault(parameter, {})[name] = value
    return Checkpoint(
        identity, points, _below("network", tensors), _below("best", tensors), optimiser
    )


def points_of(told: Sequence[Mapping[str, Any]]) -> list[Point]:
    """What ``Point.to_json`` made."""
    return [
        Point(int(one["epoch"]), {k: float(v) for k, v in one.items() if k != "epoch"})
        for one in told
    ]


def remove(folder: Path) -> None:
    """No training goes on from here."""
    shutil.rmtree(folder, ignore_errors=True)


def _below(prefix: str, tensors: State) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def optimiser_state(
    optimiser: torch.optim.Optimizer, names: Mapping[Tensor, str]
) -> dict[str, State]:
    """What the optimiser remembers of each parameter, by the parameter's name."""
    return {names[parameter]: dict(state) for parameter, state in optimiser.state.items()}


def restore_optimiser(
    optimiser: torch.optim.Optimizer, names: Mapping[Tensor, str], told: Mapping[str, State]
) -> None:
    """The reverse, into an optimiser of the same parameters."""
    for parameter, name in names.items():
        for key, value in told.get(name, {}).items():
            # Adam's step counter stays on the CPU, as it makes it
            where = value if key == "step" else value.to(parameter.device)
            optimiser.state[parameter][key] = where
