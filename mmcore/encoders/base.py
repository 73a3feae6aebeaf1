"""Encoder, the protocol; the registry of encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mmcore.media.preparer import Preparer
from mmcore.registry import Registry
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Vectors


class Encoder(Preparer, Protocol):
    """Segments of one modality → unit vectors of the encoder's own space.

    Making one is cheap: no weights, no torch. Weights load at the first ``encode``, once per
    process. One whose cells are more than unit vectors also has a ``reading`` (features.Reading).
    """

    @property
    def licence(self) -> str:
        """SPDX name of the weights' licence."""

    @property
    def compute(self) -> Mapping[str, str]:
        """``dtype`` and ``device`` that ``encode`` uses on this machine."""

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Embed n texts or prepared arrays: (n, dim) unit rows, in order, whatever the batch."""

    def encode_query(self, decoded: Any) -> Vectors:
        """Embed one query: (dim,) unit vector."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """The linear classifier that a network was trained with, and what its classes are called."""

    weight: NDArray[np.float32]  # (classes, d); reads the first d features of a cell
    bias: NDArray[np.float32]  # (classes,)
    names: tuple[str, ...]


@runtime_checkable
class Classifies(Protocol):
    """An encoder whose features a classifier reads: it has a label-based head without any pair."""

    def classifier(self) -> Classifier:
        """The classifier over the features that a cell holds."""


@runtime_checkable
class AsksInBatches(Protocol):
    """An encoder that embeds many queries at once, faster than one after the other."""

    def encode_queries(self, decoded: Sequence[Any]) -> Vectors:
        """Embed n queries: (n, dim) unit rows, each as ``encode_query`` embeds it."""


@runtime_checkable
class SharesCores(Protocol):
    """An encoder that threads may call at once: it shares the cores among them itself."""

    @property
    def shares_cores(self) -> bool:
        """True."""


@runtime_checkable
class Batches(Protocol):
    """An encoder that takes any number of inputs at once and cuts them into batches itself.

    It is given hundreds of a shard's inputs, so that inputs of like length can go together.
    """

    @property
    def batches(self) -> bool:
        """True."""


@runtime_checkable
class Truncates(Protocol):
    """An encoder whose model takes only the beginning of a long input.

    Those that take all of any input, in windows for instance, are none; none of ``embedded`` is.
    """

    def truncated(self, inputs: Sequence[str] | NDArray[Any]) -> int:
        """How many of ``inputs`` ``encode`` would cut; cheap beside it, loads no weights."""


@runtime_checkable
class AsksAsStored(Protocol):
    """A text encoder that may embed a query as it embeds what is stored.

    Then a private lake, which keeps no texts, is asked with the stored vectors of held-out ones.
    """

    @property
    def asks_as_stored(self) -> bool:
        """Whether ``encode_query`` of a text gives the vector that ``encode`` gives."""


Factory = Callable[[SegmentationSpec, RuntimeSpec], Encoder]

encoders: Final[Registry[Factory]] = Registry("mmindex.encoders", "encoder")
