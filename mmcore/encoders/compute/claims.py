"""Locks on GPUs, of the operating system: one process of a user at a time, while it lives."""

from __future__ import annotations

import getpass
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


def gpus_of(devices: Sequence[str]) -> tuple[str, ...]:
    """The GPUs among ``devices``, each by the id that it has in every process, in order."""
    numbers = sorted(name for name in set(devices) if name.startswith("cuda"))
    mps = ("mps",) if "mps" in devices else ()
    return (*sorted(_id(name) for name in numbers), *mps)


def _id(device: str) -> str:
    """What the driver calls a GPU: `cuda:0` is another one where CUDA_VISIBLE_DEVICES says so."""
    import torch  # noqa: PLC0415 - a lake is opened, and searched by text, without torch

    told = torch.cuda.get_device_properties(device)
    return str(getattr(told, "uuid", None) or f"{told.name}-{device}")


@contextmanager
def claimed(gpus: Sequence[str], every: float = 1.0) -> Iterator[None]:
    """Hold the locks of ``gpus``, taken in their order; waits for who holds one, and says so."""
    with ExitStack() as stack:
        for gpu in gpus:
            lock = FileLock(_place(gpu), thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.warning("another run embeds on GPU %s: waiting for it", gpu)
                lock.acquire(poll_interval=every)
            stack.callback(lock.release)
        yield


def _place(gpu: str) -> Path:
    """The lock's file; of each user another one, since a folder for all lets none open others'."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    return Path(tempfile.gettempdir()) / f"mmindex-{user}-gpu-{gpu}.lock"
