"""Texts and prepared media → unit rows, with gradients where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from mmcore.encoders.towers.texts import told, windows_of
from mmcore.training.finetuning.families import Joint
from mmcore.training.finetuning.inputs import Inputs
from mmcore.training.finetuning.pairs import Pair
from mmcore.types import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A joint model at work. ``most``: tokens of a window; ``batch``: rows without gradients."""

    joint: Joint
    inputs: Inputs
    most: int
    batch: int
    device: str
    amp: bool

    def texts(self, texts: Sequence[str]) -> Tensor:
        """(n, d) unit rows of texts; of a long one the weighted mean of windows, as encoded."""
        windows = windows_of([told(one) for one in texts], self.joint.tokeniser, self.most)
        with self._precision():
            rows = normalize(self.joint.texts(windows.ids).float(), dim=-1)
        if len(windows.ids) == len(texts):
            return rows
        weights = torch.tensor([len(ids) for ids in windows.ids], device=rows.device)
        of = torch.tensor(windows.of, device=rows.device)
        total = torch.zeros(len(texts), rows.shape[1], device=rows.device)
        return normalize(total.index_add(0, of, rows * weights[:, None]), dim=-1)

    def media(self, arrays: NDArray[Any]) -> Tensor:
        """(n, d) unit rows of prepared arrays (n, *shape)."""
        with self._precision():
            return normalize(self.joint.media(arrays).float(), dim=-1)

    def all_texts(self, pairs: Sequence[Pair]) -> tuple[Vectors, list[int]]:
        """(t, d) of each caption, and the places of their pairs."""
        of = [place for place, pair in enumerate(pairs) for _ in pair.captions]
        texts = [caption for pair in pairs for caption in pair.captions]
        with torch.inference_mode():
            rows = [self.texts(texts[part]) for part in self._parts(len(texts))]
        return _numpy(torch.cat(rows)), of

    def all_media(self, pairs: Sequence[Pair]) -> Vectors:
        """(n, d) of each pair: the mean of the unit rows of all its pieces."""
        found = []
        for part in self._parts(len(pairs)):
            sets = [self.inputs.all_of(pair.contents) for pair in pairs[part]]
            arrays = [np.concatenate(one) for one in sets]
            of = torch.tensor([place for place, one in enumerate(arrays) for _ in one])
            rows = self._pieces(np.concatenate(arrays))
            total = torch.zeros(len(arrays), rows.shape[1]).index_add(0, of, rows)
            found.append(normalize(total, dim=-1))
        return _numpy(torch.cat(found))

    def bare(self, texts: Sequence[str], arrays: NDArray[Any]) -> tuple[Vectors, Vectors]:
        """The rows of some texts and of some prepared arrays, without gradients."""
        with torch.inference_mode():
            return _numpy(self.texts(texts)), _numpy(self.media(arrays))

    def _pieces(self, arrays: NDArray[Any]) -> Tensor:
        with torch.inference_mode():
            rows = [self.media(arrays[part]).cpu() for part in self._parts(len(arrays))]
        return torch.cat(rows)

    def _parts(self, count: int) -> Iterator[slice]:
        return (slice(start, start + self.batch) for start in range(0, count, self.batch))

    def _precision(self) -> AbstractContextManager[Any]:
        kind = self.device.partition(":")[0]
        if self.amp and kind == "cuda":
            return torch.autocast(kind, dtype=torch.bfloat16)
        return nullcontext()


def _numpy(rows: Tensor) -> Vectors:
    return cast("Vectors", rows.float().cpu().numpy())
