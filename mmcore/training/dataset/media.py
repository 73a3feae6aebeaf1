"""Media of a folder or a lake as a torch Dataset.

Imported where torch is at work only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from mmcore.errors import ConfigError, MediaError, MissingExtraError
from mmcore.training.dataset.decode import Decoder
from mmcore.training.dataset.examples import Examples, counted, examples_of
from mmcore.training.dataset.faults import Faults, shared
from mmcore.training.dataset.items import Caption, MediaItem
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.dataset.splits import SPLITS, TRAIN, named
from mmcore.types import Content

T = TypeVar("T")

Example = dict[str, Any]

Transform = Callable[[Example], Example]


class MultiModalDataset(Dataset[Example]):
    """Items of a folder or a lake, decoded as they are asked for; works with any DataLoader.

    ``source``: a folder (``train/image_1.jpg``, ``train/text_1.txt``, ``train/audio_1.wav`` …, or
    any that `mmindex index` takes) or a lake, each here or in a store. ``split``: train,
    validation, test, one that a manifest names, or None for all. Where nothing is given to
    validation, a share of what is given to train is: keep it whole by ``validation=0``.

    An example is a dict that ``default_collate`` takes: ``item`` (int), ``image`` (3, side, side)
    float32 in 0 to 1, ``audio`` (samples,) float32 at 16 kHz, ``audio_samples`` (int: those that
    are no padding), ``text`` and ``language`` (str), ``label`` (int, -1: none) and ``has`` (3,)
    bool: image, text, audio. What an item has not, or what cannot be read, is zeros or "". Of
    several pictures, texts or sounds, and of a long sound, the train split sees another one or
    another part each epoch, decided by the seed, the epoch and the item; else it is the first.

    Raises ConfigError, NothingToLearnError or SourceError as ``examples_of``.
    """

    classes: tuple[str, ...]
    """All labels of the source, sorted; an example's ``label`` is a place in them."""
    labels: NDArray[np.int64]
    """(n,) -1: none."""
    has: NDArray[np.bool_]
    """(n, 3) image, text, audio: what is there, readable or not."""
    keys: tuple[str, ...]
    """(n,) of items."""
    caption_keys: tuple[str, ...]
    """(n,) of the first caption, English ones first; equal captions have equal keys; "": none."""
    texts: tuple[tuple[Caption, ...], ...]
    """(n,) all captions of each item; a long text is several."""

    def __init__(
        self,
        source: str | Path,
        split: str | None = None,
        spec: DatasetSpec | None = None,
        *,
        transform: Transform | None = None,
    ) -> None:
        self._build(examples_of(source, spec or DatasetSpec()), split, spec, transform)

    def of(self, split: str | None, *, transform: Transform | None = None) -> MultiModalDataset:
        """Another split of the same source, which is not listed again."""
        other = object.__new__(type(self))
        other._build(self._examples, split, self.spec, transform)
        return other

    def _build(
        self,
        examples: Examples,
        split: str | None,
        spec: DatasetSpec | None,
        transform: Transform | None,
    ) -> None:
        self.split = None if split is None else named(split)
        self.spec, self.transform = spec or DatasetSpec(), transform
        _check_split(self.split, examples)
        self._examples, self._rows = examples, examples.of(self.split)
        self.items: tuple[MediaItem, ...] = tuple(examples.items[row] for row in self._rows)
        self.classes = examples.classes
        places = {label: place for place, label in enumerate(self.classes)}
        labels = [examples.labels[row] for row in self._rows]
        self.labels = np.array([-1 if a is None else places[a] for a in labels], dtype=np.int64)
        self.has = np.array([item.has for item in self.items], dtype=np.bool_).reshape(-1, 3)
        self.keys = tuple(item.key for item in self.items)
        self.caption_keys = tuple(item.caption_key for item in self.items)
        self.texts = tuple(item.captions for item in self.items)
        self._epoch = shared(1, torch.int64)
        needed = self.split == TRAIN  # a training that has ended is not thrown away by its test
        pictures = [content for item in self.items for content in item.pictures]
        sounds = [content for item in self.items for content in item.sounds]
        self._pictures = Faults("picture", pictures, needed=needed)
        self._sounds = Faults("sound", sounds, needed=needed)
        self._decoder: tuple[int | None, Decoder] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Example:
        place = range(len(self.items))[index]
        item, draw = self.items[place], self._draws(place)
        image = self._image(item.pictures, draw[0])
        audio, samples = self._audio(item.sounds, draw[1], draw[2])
        caption = _one(self.texts[place], draw[3])
        example: Example = {
            "item": torch.tensor(item.item_id),
            "image": _zeros(3, self.spec.side, self.spec.side) if image is None else image,
            "audio": audio,
            "audio_samples": samples,
            "text": caption.text if caption else "",
            "language": (caption.language or "") if caption else "",
            "label": int(self.labels[place]),
            "has": torch.tensor([image is not None, caption is not None, samples > 0]),
        }
        return example if self.transform is None else self.transform(example)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes; worker processes that stay are told too."""
        self._epoch[0] = epoch

    def counts(self) -> dict[str, Any]:
        """Items by split, label and modality, what was dropped, and what could not be read so far.

        ``missing`` and ``dropped`` are of the whole source.
        """
        found = counted(self._examples, self._rows)
        found["unreadable"] |= {"image": self._pictures.count, "audio": self._sounds.count}
        return found

    @property
    def source(self) -> str:
        """Where the folder or the lake lies."""
        return self._examples.gathered.source

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_decoder": None}  # what is kept stays in its process

    def _draws(self, place: int) -> NDArray[np.float64]:
        """(4,) in 0 to 1, of an item in an epoch; zeros but in training."""
        if self.split != TRAIN:
            return np.zeros(4)
        decided = (self.spec.seed, int(self._epoch[0]), self.items[place].item_id)
        return np.random.default_rng(decided).random(4)

    def _image(self, pictures: tuple[Content, ...], draw: float) -> Tensor | None:
        chosen = _one(pictures, draw)
        if chosen is None:
            return None
        try:
            pixels = self._decoding().picture(chosen)
        except (MediaError, MissingExtraError, OSError) as error:
            self._pictures.fail(chosen, error)
            return None
        self._pictures.read(chosen)
        return torch.from_numpy(pixels)

    def _audio(self, sounds: tuple[Content, ...], draw: float, place: float) -> tuple[Tensor, int]:
        chosen, decoder = _one(sounds, draw), self._decoding()
        silence = _zeros(decoder.samples)
        if chosen is None:
            return silence, 0
        try:
            samples, count = decoder.sound(chosen, place)
        except (MediaError, OSError) as error:
            self._sounds.fail(chosen, error)
            return silence, 0
        self._sounds.read(chosen)
        return torch.from_numpy(samples), count

    def _decoding(self) -> Decoder:
        """This process's decoder: workers share the memory for what is kept."""
        worker = get_worker_info()
        own = None if worker is None else worker.id
        if self._decoder is None or self._decoder[0] != own:
            room = self.spec.keep_bytes // (1 if worker is None else worker.num_workers)
            self._decoder = own, Decoder(self.spec.side, self.spec.seconds, room)
        return self._decoder[1]


def _zeros(*shape: int) -> Tensor:
    """Float32 zeros; torch's own would wake its threads for so many."""
    return torch.from_numpy(np.zeros(shape, dtype=np.float32))


def _one(of: tuple[T, ...], draw: float) -> T | None:
    """One of several, by a number from 0 to 1."""
    return of[min(len(of) - 1, int(draw * len(of)))] if of else None


def _check_split(split: str | None, examples: Examples) -> None:
    known = sorted({*SPLITS, *(one for one in examples.splits if one is not None)})
    if split is not None and split not in known:
        raise ConfigError(
            f"{examples.gathered.source}: there is no split {split!r}: there are"
            f" {', '.join(known)}"
        )
