"""Texts: tokens in windows that the model takes, windows of like length together in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.batches import Batcher
from mmcore.encoders.compute.device import Compute, compute_of
from mmcore.encoders.towers.model import Model
from mmcore.specs import RuntimeSpec
from mmcore.types import EncoderKey, Vectors, unit_rows

if TYPE_CHECKING:
    import torch

Tokens = Callable[[Sequence[Sequence[int]]], "torch.Tensor"]
"""n rows of token ids, special ones among them, of any length up to the limit → (n, d).

Pads, masks and pools as the model's own library does; on the model's device.
"""


class Tokeniser(Protocol):
    """Texts → token ids, as the model's own library has them."""

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, special tokens around them, nothing cut, nothing padded."""

    def around(self) -> tuple[list[int], list[int]]:
        """The special tokens before a text and behind it."""


@dataclass(frozen=True, slots=True)
class TextModel:
    """What is loaded once a process: a tokeniser and a model."""

    tokeniser: Tokeniser
    run: Tokens


@dataclass(frozen=True, slots=True)
class Sides:
    """What is put before a text that is stored, and before one that is asked with."""

    stored: str = ""
    query: str = ""


class TextEncoder:
    """An encoder of texts around a model of torch.

    A text of more tokens than ``most`` is embedded in windows, of which the mean counts, weighted
    by their tokens: nothing is cut.
    """

    dtype = "str"
    shape = None
    size = 0
    batches = True

    def __init__(
        self,
        key: EncoderKey,
        model: Model[TextModel],
        runtime: RuntimeSpec,
        *,
        most: int,
        sides: Sides | None = None,
    ) -> None:
        self.key = key
        self.licence = model.licence
        self.most = most
        self.sides = sides or Sides()
        self._model, self._runtime = model, runtime

    @property
    def asks_as_stored(self) -> bool:
        """Whether queries are embedded as what is stored is."""
        return self.sides.stored == self.sides.query

    @cached_property
    def _compute(self) -> Compute:
        return compute_of(self._runtime)

    @property
    def compute(self) -> Mapping[str, str]:
        """By setting, else by probing this machine."""
        return {"dtype": self._compute.dtype, "device": self._compute.device}

    def prepare(self, decoded: str) -> NDArray[Any]:
        """A text is its own input."""
        return np.array(decoded)

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Embed texts as they are stored: (n, dim) unit rows."""
        return self._encoded([self.sides.stored + str(text) for text in inputs])

    def encode_query(self, decoded: str) -> Vectors:
        """Embed one text to search with: (dim,)."""
        vector: Vectors = self.encode_queries([decoded])[0]
        return vector

    def encode_queries(self, decoded: Sequence[str]) -> Vectors:
        """Embed n texts to search with: (n, dim)."""
        return self._encoded([self.sides.query + text for text in decoded])

    def _encoded(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.key.dim), dtype=np.float32)
        model = self._model.on(self._compute, self._runtime)
        windows = windows_of([_told(text) for text in texts], model.tokeniser, self.most)
        name, device, most = self._model.name, self._compute.device, self._model.most
        batcher = Batcher.of(name, device, self._runtime, most)
        rows = unit_rows(
            batcher.map(
                lambda places: model.run([windows.ids[place] for place in places]),
                len(windows.ids),
                [len(ids) for ids in windows.ids],
            )
        )
        return windows.joined(rows, len(texts))


@dataclass(frozen=True, slots=True)
class Windows:
    """Token ids of each window, and the text that it is of."""

    ids: list[list[int]]
    of: list[int]

    def joined(self, rows: Vectors, count: int) -> Vectors:
        """One unit row a text: of several windows, the mean weighted by their tokens."""
        if len(self.ids) == count:
            return rows
        total = np.zeros((count, rows.shape[1]), dtype=np.float32)
        weights = np.array([len(ids) for ids in self.ids], dtype=np.float32)
        np.add.at(total, self.of, rows * weights[:, None])
        return unit_rows(total)


def windows_of(texts: Sequence[str], tokeniser: Tokeniser, most: int) -> Windows:
    """The ids of ``texts``; one of more than ``most`` in windows, the fewest, of like length."""
    before, behind = tokeniser.around()
    ids: list[list[int]] = []
    of: list[int] = []
    for place, whole in enumerate(tokeniser.whole(texts)):
        found = [whole] if len(whole) <= most else _windows(whole, before, behind, most)
        ids += found
        of += [place] * len(found)
    return Windows(ids, of)


def _windows(
    whole: Sequence[int], before: list[int], behind: list[int], most: int
) -> list[list[int]]:
    inner = list(whole[len(before) : len(whole) - len(behind)])
    room = most - len(before) - len(behind)
    count = -(-len(inner) // room)
    bounds = np.linspace(0, len(inner), count + 1).astype(int).tolist()
    return [[*before, *inner[a:b], *behind] for a, b in pairwise(bounds)]


_NUL: Final = "\0"


def _told(text: str) -> str:
    """Without lone surrogates and NUL, which no tokeniser takes."""
    return text.encode("utf-8", "replace").decode().replace(_NUL, " ")


def padded(
    rows: Sequence[Sequence[int]], pad: int, *, to: int | None = None, left: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids (n, length) filled up with ``pad``, and the mask (n, length) that is 1 on tokens.

    ``to``: the length that all have, else that of the longest row; ``left``: filled up before.
    """
    length = to or max(len(row) for row in rows)
    ids = np.full((len(rows), length), pad, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for place, row in enumerate(rows):
        at = slice(length - len(row), length) if left else slice(0, len(row))
        ids[place, at], mask[place, at] = row, 1
    return ids, mask
