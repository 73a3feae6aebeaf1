"""Batches that a device has memory for, of inputs that are alike in length."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
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

TYPICAL: Final = 64  # tokens of a text
SHORT: Final = 4  # times as many rows as usual, where they are short

_settled: Final[dict[tuple[str, str, bool], int]] = {}
"""(encoder, device, by tokens) → tokens, or rows, of a batch at most, after an OOM."""

_lock: Final = threading.Lock()


def forget() -> None:
    """Begin anew: the next run tries what devices had no memory for in this one."""
    with _lock:
        _settled.clear()


class Batcher:
    """Cuts what a model is given into batches of at most ``most`` rows.

    Where rows have lengths, a batch has at most as many tokens, padded, as ``most`` rows of the
    ``TYPICAL`` length: fewer rows of long ones, up to ``widest`` of short ones (None: ``SHORT``
    times ``most``). A batch that the device has no memory for is halved, and what is left of its
    tokens, or of its rows, is kept for this encoder on this device until ``forget``. Raises
    DeviceMemoryError where one row is too much.
    """

    def __init__(self, encoder: str, device: str, most: int, widest: int | None = None) -> None:
        self._encoder, self._device = encoder, device
        self._most = most
        self._widest = widest or SHORT * most

    @classmethod
    def of(
        cls, encoder: str, device: str, runtime: RuntimeSpec, most: int | None = None
    ) -> Batcher:
        """With the batch size of a run, which is the most rows there are of any length.

        Without one, what is usual on the device: on a CPU ``most``, if that is known of a model.
        """
        if runtime.batch_size:
            return cls(encoder, device, runtime.batch_size, runtime.batch_size)
        return cls(encoder, device, (most or ON_A_CPU) if device == "cpu" else ON_A_GPU)

    @property
    def most(self) -> int:
        """Rows of a batch at most, as far as is known, where they have no lengths."""
        return self._limit(self._most, by_tokens=False)

    @property
    def tokens(self) -> int:
        """Tokens of a batch at most, as far as is known; one row may have more."""
        return self._limit(self._most * TYPICAL, by_tokens=True)

    def map(self, run: Run, count: int, lengths: Sequence[int] | None = None) -> NDArray[Any]:
        """``run`` over the places 0 to ``count`` (at least one): its rows, in order, float32.

        With ``lengths``, in tokens, rows of like length go together, the longest first. Each
        batch is cut by what is known then.
        """
        order = _order(count, lengths)
        found: list[tuple[Sequence[int], torch.Tensor]] = []
        with working():
            start = 0
            while start < count:
                longest = None if lengths is None else max(1, lengths[order[start]])
                places = order[start : start + self._rows(longest)]
                vectors = self._tried(run, places)
                if vectors is None:
                    self._halve(len(places), longest)
                    continue
                ran(len(places))
                found.append((places, vectors))
                start += len(places)
            return _joined(found, count)

    def _rows(self, longest: int | None) -> int:
        """Rows of the next batch at most; ``longest``: the tokens of its first."""
        if longest is None:
            return self.most
        return max(1, min(self._widest, self.tokens // longest))

    def _tried(self, run: Run, places: Sequence[int]) -> torch.Tensor | None:
        """The batch's vectors, or None where there is no memory for it.

        The error is gone when this returns, and with it the tensors that its traceback holds.
        """
        try:
            return run(places)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if len(places) == 1:
                raise DeviceMemoryError(self._encoder, self._device) from error
        return None

    def _halve(self, rows: int, longest: int | None) -> None:
        """Settle on half of what a batch had, at least a row of it, for all later ones."""
        size = rows if longest is None else rows * longest
        place = (self._encoder, self._device, longest is not None)
        with _lock:
            _settled[place] = min(size // 2, _settled.get(place, size))
        halved(rows // 2)
        each = "" if longest is None else f" of {longest} tokens"
        log.warning(
            "%s: %s has no memory for %d%s at once, going on with %d",
            self._encoder,
            self._device,
            rows,
            each,
            rows // 2,
        )
        give_back(self._device)

    def _limit(self, usual: int, *, by_tokens: bool) -> int:
        return min(usual, _settled.get((self._encoder, self._device, by_tokens), usual))


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


def _order(count: int, lengths: Sequence[int] | None) -> Sequence[int]:
    """All places, the longest first: what needs most memory is tried at once."""
    if lengths is None:
        return range(count)
    return sorted(range(count), key=lambda place: -lengths[place])


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
