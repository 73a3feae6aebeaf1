"""The one place that opens weights of torch: by a pinned sha256, never an unsafe pickle."""

from __future__ import annotations

import hashlib
import io
import re
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - what torch.load raises; nothing is unpickled
from typing import TYPE_CHECKING, Any, Final, cast

from mmcore.errors import MissingExtraError, UnsafeWeightsError

if TYPE_CHECKING:
    import torch

SHORTEST: Final = 8
"""Hex digits that pin a file: torchvision publishes no more than the first of each sha256."""


def package_file(package: str, name: str) -> Path:
    """Path of a file inside an installed ``package``, without importing it.

    Raises MissingExtraError for a package that is not installed.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("the preset 'embedded'", "embedded")
    return Path(found.submodule_search_locations[0]) / name


def pinned(path: Path, sha256: str) -> bytes:
    """The bytes of ``path``; UnsafeWeightsError unless they hash to ``sha256``.

    Of one that is published by its first digits, 8 at least, those count.
    """
    if not path.is_file():
        raise UnsafeWeightsError(path, "the file is missing: install the package again")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if len(sha256) < SHORTEST or not found.startswith(sha256):
        raise UnsafeWeightsError(path, f"its sha256 is {found}, the preset pins {sha256}")
    return data


def load_state(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """A torch state dict from a file with a pinned hash: what was hashed is what is read."""
    import torch  # noqa: PLC0415 - a lake is opened without torch

    data = pinned(path, sha256)
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)  # noqa: TID251
    return cast("dict[str, torch.Tensor]", state)


_ADVICE: Final = re.compile(r"\(1\)|Re-running")
"""Where torch goes on to advise against ``weights_only``."""


def load_trusted(path: Path) -> Any:
    """What a file of ``torch.save`` holds, for somebody who trusts it; no hash is asked for.

    Tensors and plain containers only: UnsafeWeightsError for a file that would run code, or that
    is no file of torch.
    """
    import torch  # noqa: PLC0415 - a lake is opened without torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except (UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        why = " ".join(_ADVICE.split(str(error))[0].split())[:200] or type(error).__name__
        raise UnsafeWeightsError(path, f"torch opens no such file safely ({why})") from error
