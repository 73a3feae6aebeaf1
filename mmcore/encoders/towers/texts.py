"""Texts: tokens in windows that the model takes, windows of like length together in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.batches import Batcher
from mmcore.encoders.compute.device import Placed
from mmcore.encoders.towers.model import Model, name_of
from mmcore.errors import ConfigError
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
    fixed: int | None = field(default=None, kw_only=True)  # tokens of each row, padded; None: own

    def lengths(self, rows: Sequence[Sequence[int]]) -> list[int]:
        """The tokens that each row costs."""
        return [self.fixed or len(ids) for ids in rows]


@dataclass(frozen=True, slots=True)
class Sides:
    """What is put before a text that is stored, and before one that is asked with."""

    stored: str = ""
    query: str = ""


class TextEncoder(Placed):
    """An encoder of texts around a model of torch.

    A text of more tokens than ``most`` is embedded in windows, each behind the words of its side,
    of which the mean counts, weighted by their tokens: nothing is cut.
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

    def prepare(self, decoded: str) -> NDArray[Any]:
        """A text is its own input."""
        return np.array(decoded)

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Embed texts as they are stored: (n, dim) unit rows."""
        return self._encoded([str(text) for text in inputs], self.sides.stored)

    def encode_query(self, decoded: str) -> Vectors:
        """Embed one text to search with: (dim,)."""
        vector: Vectors = self.encode_queries([decoded])[0]
        return vector

    def encode_queries(self, decoded: Sequence[str]) -> Vectors:
        """Embed n texts to search with: (n, dim)."""
        return self._encoded(decoded, self.sides.query)

    def _encoded(self, texts: Sequence[str], side: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.key.dim), dtype=np.float32)
        model = self._model.on(self._compute, self._runtime)
        windows = windows_of([told(text) for text in texts], model.tokeniser, self.most, side)
        device, most = self._compute.device, self._model.most
        batcher = Batcher.of(name_of(self.key), device, self._runtime, most)
        rows = unit_rows(
            batcher.map(
                lambda places: model.run([windows.ids[place] for place in places]),
                len(windows.ids),
                model.lengths(windows.ids),
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


def windows_of(texts: Sequence[str], tokeniser: Tokeniser, most: int, side: str = "") -> Windows:
    """The ids of ``texts`` behind ``side``; of one of more than ``most`` in windows.

    They are the fewest, of like length, and each has the side's words before it: the first as
    they stand before the text, the others as they are by themselves. A token that a text's
    beginning shares with them is in the first window alone. ConfigError where the model takes no
    more tokens than the words are.
    """
    ids: list[list[int]] = []
    of: list[int] = []
    for place, whole in enumerate(tokeniser.whole([side + text for text in texts])):
        found = [whole] if len(whole) <= most else _windows(whole, tokeniser, most, side)
        ids += found
        of += [place] * len(found)
    return Windows(ids, of)


def _windows(whole: Sequence[int], tokeniser: Tokeniser, most: int, side: str) -> list[list[int]]:
    before, behind = tokeniser.around()
    inner = list(whole[len(before) : len(whole) - len(behind)])
    words = _words(side, tokeniser)
    own = sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(words, inner, strict=False)))
    room = most - len(before) - len(words) - len(behind)
    if room < 1:
        raise ConfigError(
            f"the model takes {most} tokens at once, too few for {side!r} and a text"
        )
    text = inner[own:]
    count = -(-len(text) // room)
    bounds = np.linspace(0, len(text), count + 1).astype(int).tolist()
    heads = [inner[:own], *[words] * (count - 1)]
    return [
        [*before, *head, *text[a:b], *behind]
        for head, (a, b) in zip(heads, pairwise(bounds), strict=True)
    ]


def _words(side: str, tokeniser: Tokeniser) -> list[int]:
    """The ids of a side's words; to tokenisers, a blank at their end is the next word's."""
    if not side:
        return []
    before, behind = tokeniser.around()
    (found,) = tokeniser.whole([side.rstrip()])
    return found[len(before) : len(found) - len(behind)]


_NUL: Final = "\0"


def told(text: str) -> str:
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
