"""Traces of torch's profiler around the model work of some shards, for chrome://tracing."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mmcore.errors import ConfigError
from mmcore.media.prepared import Prepared
from mmcore.specs import RuntimeSpec

log = logging.getLogger(__name__)

SHARDS: Final = 3
"""Shards of each encoder on each device that are traced: traces are large, shards alike."""

_traced: Final[Counter[tuple[str, str]]] = Counter()
_profiler: Final = threading.Lock()  # torch has one a process


def check_profile(runtime: RuntimeSpec) -> None:
    """Make the folder of traces, if they are wanted; ConfigError where none can be written."""
    if runtime.profile is None:
        return
    try:
        Path(runtime.profile).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=runtime.profile):
            pass
    except OSError as error:
        why = error.strerror or error
        raise ConfigError(
            f"no trace can be written to {runtime.profile} ({why}): name another folder with"
            " --profile"
        ) from error


@contextmanager
def profiled(prepared: Prepared, device: str, runtime: RuntimeSpec) -> Iterator[None]:
    """Trace this block, if it is one of those that are.

    One that runs while another thread's is traced is not.
    """
    place = (prepared.shard.encoder.name, device)
    wanted = runtime.profile is not None and _traced[place] < SHARDS
    if not wanted or not _profiler.acquire(blocking=False):
        yield
        return
    try:
        _traced[place] += 1
        name = f"{place[0]}-{prepared.folder.name}.json.gz"
        with _trace(Path(str(runtime.profile), name), device):
            yield
    finally:
        _profiler.release()


@contextmanager
def _trace(path: Path, device: str) -> Iterator[None]:
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - loads torch

    activities = [ProfilerActivity.CPU]
    if device.startswith("cuda"):
        activities.append(ProfilerActivity.CUDA)
    # acc_events: some versions of torch warn that events of earlier cycles are lost without it
    with profile(activities=activities, acc_events=True) as trace:
        yield
    try:
        trace.export_chrome_trace(str(path))
    except (
        OSError,
        RuntimeError,
    ) as error:  # the disk is full: the vectors are there all the same
        path.unlink(missing_ok=True)
        log.warning("no trace was written to %s: %s", path, error)


def begin_anew() -> None:
    """The next run has its own first shards."""
    _traced.clear()
