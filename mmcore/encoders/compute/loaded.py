"""The models of this process: each loaded once, all freed at the end of the work."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from mmcore.encoders.compute.device import Compute, give_back
from mmcore.specs import RuntimeSpec

T = TypeVar("T")

_lock: Final = threading.RLock()  # libraries load one model at a time: see ``loaded``
_loaded: Final[dict[tuple[str, Compute], Any]] = {}
_MISSING: Final = object()


def loaded(model: tuple[str, Compute], load: Callable[[], T]) -> T:
    """What ``load`` gave when ``model`` was first asked for.

    What is loaded is had at once. Loading is done by one thread at a time, whatever the model:
    transformers sets the precision and the initialisation of the whole process meanwhile.
    """
    found = _loaded.get(model, _MISSING)
    if found is not _MISSING:
        return cast(T, found)
    with _lock:
        if model not in _loaded:
            _loaded[model] = load()
        return cast(T, _loaded[model])


def free() -> None:
    """Forget all models, and give their memory back; the next call loads again.

    What is being embedded keeps its model as long as it needs it; one that is being loaded is
    waited for, else it would stay.
    """
    with _lock:
        devices = {compute.device for _, compute in _loaded}
        _loaded.clear()
    if devices:
        gc.collect()
    for device in devices:
        give_back(device)


def settle(compute: Compute, runtime: RuntimeSpec) -> None:
    """Before a model of torch is loaded: its threads, and how much of a GPU it may take."""
    import torch  # noqa: PLC0415 - see free

    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    if runtime.device_bytes is None:
        return
    if compute.device.startswith("cuda"):
        total = torch.cuda.get_device_properties(compute.device).total_memory
        share = min(1.0, runtime.device_bytes / total)
        torch.cuda.set_per_process_memory_fraction(share, compute.device)
    elif compute.device == "mps":
        share = min(1.0, runtime.device_bytes / torch.mps.recommended_max_memory())
        torch.mps.set_per_process_memory_fraction(share)
