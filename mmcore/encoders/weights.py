"""The one place that opens weights: files whose sha256 is pinned, never an unsafe pickle."""

from __future__ import annotations

import hashlib
import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mmcore.errors import MissingExtraError, UnsafeWeightsError

if TYPE_CHECKING:
    import torch


def package_file(package: str, name: str) -> Path:
    """Path of a file inside an installed ``package``, without importing it.

    Raises MissingExtraError for a package that is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("the preset 'embedded'", "embedded")
    return Path(found.submodule_search_locations[0]) / name


def pinned(path: Path, sha256: str) -> bytes:
    """The bytes of ``path``; UnsafeWeightsError unless they hash to ``sha256``."""
    if not path.is_file():
        raise UnsafeWeightsError(path, "the file is missing: install the package again")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise UnsafeWeightsError(path, f"its sha256 is {found}, the preset pins {sha256}")
    return data


def load_state(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """A torch state dict from a file with a pinned hash: what was hashed is what is read."""
    import torch  # noqa: PLC0415 - a lake is opened without torch

    data = pinned(path, sha256)
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)  # noqa: TID251
    return cast("dict[str, torch.Tensor]", state)
