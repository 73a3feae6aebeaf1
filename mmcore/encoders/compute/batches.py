"""Batches that a device has memory for, of inputs that are alike in length."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import give_back
from mmcore.encoders.compute.meter import halved, ran, working
from mmcore.errors import DeviceMemoryError
from mmcore.specs import RuntimeSpec

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

Run = Callable[[Sequence[int]], "torch.Tensor"]
"""Places of a batch's rows → their vectors, (n, d), wherever they lie."""

ON_A_CPU: Final = 32
ON_A_GPU: Final = 256

_settled: Final[dict[tuple[str, str], int]] = {}  # (model, device) → rows, after an OOM
_lock: Final = threading.Lock()


class Batcher:
    """Cuts what a model is given into batches of at most ``most`` rows.

    A batch that the device has no memory for is halved, and the smaller size is kept for this
    model on this device from then on. Raises DeviceMemoryError where one row is too much.
    """

    def __init__(self, model: str, device: str, most: int) -> None:
        self._place = (model, device)
        self._most = most

    @classmethod
    def of(cls, model: str, device: str, runtime: RuntimeSpec, most: int | None = None) -> Batcher:
        """With the batch size of a run, else ``most``, else one that suits the device."""
        usual = most or (ON_A_CPU if device == "cpu" else ON_A_GPU)
        return cls(model, device, runtime.batch_size or usual)

    @property
    def most(self) -> int:
        """Rows of a batch at most, as far as is known."""
        return min(self._most, _settled.get(self._place, self._most))

    def map(self, run: Run, count: int, lengths: Sequence[int] | None = None) -> NDArray[Any]:
        """``run`` over the places 0 to ``count`` (at least one): its rows, in order, float32.

        With ``lengths``, rows of like length go together: a batch has at most as many, padded, as
        ``most`` rows of the ``TYPICAL`` one have.
        """
        found: list[tuple[Sequence[int], torch.Tensor]] = []
        with working():
            for places in self._batches(count, lengths):
                found += self._ran(run, places)
            return _joined(found, count)

    def _batches(self, count: int, lengths: Sequence[int] | None) -> Iterator[Sequence[int]]:
        if lengths is not None:
            yield from buckets(lengths, self.most)
            return
        start = 0
        while start < count:
            stop = min(count, start + self.most)
            yield range(start, stop)
            start = stop

    def _ran(
        self, run: Run, places: Sequence[int]
    ) -> Iterable[tuple[Sequence[int], torch.Tensor]]:
        """The batch at once, or in parts where there is no memory for it."""
        todo, done = [places], []
        while todo:
            part = todo.pop(0)
            try:
                done.append((part, run(part)))
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                if len(part) == 1:
                    raise DeviceMemoryError(*self._place) from error
                self._halve(len(part))
                todo = [piece for one in (part, *todo) for piece in _cut(one, self.most)]
                continue
            ran(len(part))
        return done

    def _halve(self, rows: int) -> None:
        model, device = self._place
        with _lock:
            _settled[self._place] = min(rows // 2, self.most)
        halved(self.most)
        log.warning(
            "%s: %s has no memory for %d at once, going on with %d", model, device, rows, self.most
        )
        give_back(device)


_MEMORY: Final = (  # torch has a class of error for GPUs of CUDA alone
    "MPS backend out of memory",
    "DefaultCPUAllocator: ",  # "not enough memory", "can't allocate memory"
    "CUBLAS_STATUS_ALLOC_FAILED",  # a library's own memory, beside torch's
)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no memory for what was asked of it."""
    import torch  # noqa: PLC0415 - whoever asks has loaded it

    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(one in said for one in _MEMORY)


TYPICAL: Final = 64  # tokens of a text


def buckets(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of ``lengths``, longest first, in batches that waste little on padding.

    A batch has at most ``most`` rows of ``TYPICAL`` length, or as many shorter or longer ones as
    have the same number of tokens, up to four times ``most``.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        rows = max(1, min(4 * most, most * TYPICAL // longest))
        yield order[start : start + rows]
        start += rows


def _cut(places: Sequence[int], most: int) -> list[Sequence[int]]:
    return [places[start : start + most] for start in range(0, len(places), most)]


def _joined(found: Sequence[tuple[Sequence[int], torch.Tensor]], count: int) -> NDArray[Any]:
    """The rows at their places; what is on a GPU is waited for here, once."""
    first = found[0][1]
    rows = np.empty((count, *first.shape[1:]), dtype=np.float32)
    for places, vectors in found:
        rows[np.fromiter(places, dtype=np.intp, count=len(places))] = vectors.float().cpu().numpy()
    return rows


def rows_at(inputs: NDArray[Any], places: Sequence[int]) -> NDArray[Any]:
    """Those rows; the ones of a range without a copy."""
    if isinstance(places, range):
        return inputs[places.start : places.stop]
    return inputs[list(places)]
