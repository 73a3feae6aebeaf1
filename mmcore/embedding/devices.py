"""The devices of a run: each is lent to one shard at a time, in this process or in its own."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final, Protocol

from mmcore.embedding.embedding import Embedding
from mmcore.embedding.here import embed_here
from mmcore.embedding.job import Job, embedding_from
from mmcore.encoders.base import Encoder
from mmcore.encoders.compute.device import devices_of
from mmcore.encoders.compute.meter import untold
from mmcore.errors import EmbeddingError
from mmcore.processes.cores import cores
from mmcore.processes.process import Ended, Process, name_of, threads
from mmcore.processes.telling import failure_from
from mmcore.specs import RuntimeSpec
from storage.schemas import MmindexError

_WORKER: Final = "mmcore.embedding.worker"
_TRIES: Final = 2
_PATIENCE: Final = 5.0  # seconds that processes have to end by themselves


class ClosedError(MmindexError):
    """A device was closed before a shard was finished: the run has ended."""


class Device(Protocol):
    """A device that embeds shards, for one caller at a time."""

    def embed(self, job: Job, encoder: Encoder, told: Callable[[int], None] = untold) -> Embedding:
        """Embed a shard; ``encoder`` is the one that the job names, made in this process.

        ``told`` hears how many of its segments are done.
        """

    def dismiss(self) -> None:
        """Let what is kept for the next shard end by itself."""

    def close(self, until: float) -> None:
        """End it; at ``until`` (of ``time.monotonic``) by force."""


class Here:
    """A device alone: this process runs its models."""

    def embed(self, job: Job, encoder: Encoder, told: Callable[[int], None] = untold) -> Embedding:
        """In the calling thread."""
        return embed_here(job.prepared, encoder, job.runtime, told)

    def dismiss(self) -> None:
        """Models are freed elsewhere (mmcore.encoders.compute.loaded)."""

    def close(self, until: float) -> None:
        """There is no process."""


class Apart:
    """One of several devices: a process of its own, that sees no other GPU.

    It starts with the first shard and is kept. One that dies (the system or a driver ends it) is
    replaced, and the shard tried once more; not if ``close`` ended it. ``number`` of ``count``
    devices.
    """

    def __init__(self, name: str, number: int, count: int) -> None:
        self.name, self.number = name, number
        self._threads = max(1, cores() // count)
        self._process: Process | None = None
        self._lock = threading.Lock()  # of the process, and of how often it was closed
        self._closed = 0

    def embed(self, job: Job, encoder: Encoder, told: Callable[[int], None] = untold) -> Embedding:
        """In the device's process; EmbeddingError when two processes died of it."""
        del encoder  # the process makes its own
        code, words, closed = 0, "", self._closed
        for _ in range(_TRIES):
            process = self._running(closed)
            try:
                process.ask(replace(job, runtime=self._runtime(job.runtime)).to_json())
                answer = process.hear()
                while not isinstance(answer, Ended) and "rows" in answer:
                    told(answer["rows"])
                    answer = process.hear()
            except BaseException:
                process.kill()  # it would answer to the next job
                raise
            if not isinstance(answer, Ended):
                return self._heard(answer, job)
            code, words = answer.code, process.last_words
        raise EmbeddingError(self.name, job.prepared.shard.encoder.name, name_of(code), words)

    def _heard(self, told: Mapping[str, Any], job: Job) -> Embedding:
        """The vectors, or the error, of an answer."""
        if "failed" in told:
            raise failure_from(told["failed"], f"the process of {self.name}")
        found = embedding_from(told["finished"], job.prepared.folder)
        work = replace(found.work, device=self.name, slot=self.number)
        return replace(found, compute={**found.compute, "device": self.name}, work=work)

    def _running(self, closed: int) -> Process:
        """The process; ClosedError unless the device was closed ``closed`` times."""
        with self._lock:
            if self._closed != closed:
                raise ClosedError(f"{self.name} was closed: its run has ended")
            if self._process is None or not self._process.alive:
                self._process = Process(_WORKER, {**threads(self._threads), **visible(self.name)})
            return self._process

    def _runtime(self, runtime: RuntimeSpec) -> RuntimeSpec:
        """With the name that the device has in its own process."""
        return runtime.model_copy(update={"device": _inside(self.name)})

    def dismiss(self) -> None:
        """Let the process end, after the shard that it may be at; that gets no other."""
        with self._lock:
            self._closed += 1
            if self._process is not None:
                self._process.dismiss()

    def close(self, until: float) -> None:
        """End the process, whatever it is at."""
        self.dismiss()
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.end(until)


def _inside(device: str) -> str:
    """What a device is called by a process that sees no other."""
    return "cuda:0" if device.startswith("cuda") else device


def visible(device: str) -> dict[str, str]:
    """The variable by which a process sees only ``device``, if that is a GPU.

    Of this process' GPUs, which may be some of the machine's.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return {}
    mine = os.environ.get("CUDA_VISIBLE_DEVICES")
    name = number if mine is None else mine.split(",")[int(number)].strip()
    return {"CUDA_VISIBLE_DEVICES": name}


class Devices:
    """Some devices; who asks for one waits while all are lent, and gets the one longest idle."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._all: tuple[Device, ...] = (
            (Here(),)
            if len(names) == 1
            else tuple(Apart(name, number, len(names)) for number, name in enumerate(names))
        )
        self._idle: SimpleQueue[Device] = SimpleQueue()
        self._closed = 0  # times
        for device in self._all:
            self._idle.put(device)

    @contextmanager
    def borrowed(self) -> Iterator[Device]:
        """A device for the caller alone; ClosedError where they were closed meanwhile."""
        closed = self._closed
        device = self._idle.get()
        try:
            if self._closed != closed:
                raise ClosedError("the devices were closed: the run has ended")
            yield device
        finally:
            self._idle.put(device)

    def close(self) -> None:
        """End their processes; they may be used again."""
        self._closed += 1
        until = time.monotonic() + _PATIENCE
        with ExitStack() as closing:  # all of them, whatever comes between
            for device in self._all:
                closing.callback(device.close, until)
                device.dismiss()


_lock: Final = threading.Lock()
_known: Final[dict[tuple[str, ...], Devices]] = {}


def devices_for(encoder: Encoder, runtime: RuntimeSpec) -> Devices:
    """The devices of the run, or the one that an encoder runs on whatever the run says.

    Some encoders have no model for a GPU: beside GPUs the CPU is a device of its own.
    """
    names = devices_of(runtime.device)
    own = encoder.compute["device"]
    if own not in names:
        names = (own,)
    with _lock:
        if names not in _known:
            _known[names] = Devices(names)
        return _known[names]


def close_all() -> None:
    """End the processes of all devices."""
    with _lock, ExitStack() as closing:
        for devices in _known.values():
            closing.callback(devices.close)


atexit.register(close_all)
