"""Cells of the public set's media, changed as `AugmentSpec` says: made once, for `imbalance`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from mmcore.encoders.base import Encoder
from mmcore.encoders.presets import encoders_of
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training.balance.augment import picture, sound, without_words
from mmcore.training.balance.spec import AugmentSpec
from mmcore.training.dataset.decode import Decoder
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.types import Content, Vectors
from storage.schemas import Modality

SECONDS = 10.0  # of a sound that are changed and encoded
CHANGES: dict[str, tuple[str, AugmentSpec]] = {
    "flip": ("picture", AugmentSpec(flip=1.0)),
    "crop": ("picture", AugmentSpec(crop=0.4)),
    "colour": ("picture", AugmentSpec(colour=0.4)),
    "SpecAugment": ("sound", AugmentSpec(spec_augment=0.2)),
    "noise on sounds": ("sound", AugmentSpec(noise=0.1)),
    "word dropout": ("text", AugmentSpec(word_dropout=0.3)),
}
"""By name: the modality that is changed, and how much."""

Copies = dict[str, torch.Tensor]  # "NAME/items" (n,) and "NAME/vectors" (n, d)


def copies(data: Path) -> Copies:
    """One changed copy of each item, by the encoders of the preset `embedded`; kept beside it."""
    kept = data / "augmented.safetensors"
    if not kept.exists():
        save_file(_made(data), kept)
    found: Copies = load_file(kept)
    return found


def _made(data: Path) -> Copies:
    dataset = MultiModalDataset(data / "lake", None, DatasetSpec(side=224, labels="none"))
    change, sounds = _changes(), _sounds(data)
    found: dict[str, tuple[list[int], list[Vectors]]] = {}
    for place, item in enumerate(dataset.items):
        example = dataset[place]
        media: dict[str, Any] = {
            "picture": example["image"] if bool(example["has"][0]) else None,
            "text": [caption.text for caption in item.captions],
            "sound": _heard([one for one in item.sounds if one.path in sounds]),
        }
        for number, (name, (modality, how)) in enumerate(CHANGES.items()):
            if media[modality] is not None and len(media[modality]):
                rng = np.random.default_rng((item.item_id, number))
                items, vectors = found.setdefault(name, ([], []))
                items.append(item.item_id)
                vectors.append(change[modality](media[modality], how, rng))
    made: Copies = {}
    for name, (items, vectors) in found.items():
        made[f"{name}/items"] = torch.tensor(items)
        made[f"{name}/vectors"] = torch.from_numpy(np.stack(vectors))
    return made


def _sounds(data: Path) -> set[str]:
    """Paths of sounds that are no speech."""
    pairs = [json.loads(line) for line in (data / "pairs.jsonl").read_text("utf-8").splitlines()]
    return {
        pair["files"]["sound"].removeprefix("media/")
        for pair in pairs
        if "sound" in pair["files"] and pair["sound_kind"] in ("effect", "music")
    }


def _heard(contents: Sequence[Content]) -> torch.Tensor | None:
    """The start of the first one."""
    if not contents:
        return None
    samples, count = Decoder(1, SECONDS, 0).sound(contents[0], 0.0)
    return torch.from_numpy(samples[:count])


Change = Callable[[Any, AugmentSpec, np.random.Generator], Vectors]


def _changes() -> dict[str, Change]:
    """By modality: the vector of a medium that is changed on the way."""
    by = {
        encoder.key.modality: encoder
        for encoder in encoders_of("embedded", SegmentationSpec(), RuntimeSpec(device="cpu"))
    }
    seen, heard, read = (by[m] for m in (Modality.IMAGE, Modality.AUDIO, Modality.TEXT))

    def of_picture(image: torch.Tensor, how: AugmentSpec, rng: np.random.Generator) -> Vectors:
        changed = picture(image, how, rng).permute(1, 2, 0) * 255
        return _one(seen, changed.round().to(torch.uint8).numpy())

    def of_sound(samples: torch.Tensor, how: AugmentSpec, rng: np.random.Generator) -> Vectors:
        return _one(heard, heard.prepare(sound(samples, how, rng).numpy()))

    def of_text(texts: Sequence[str], how: AugmentSpec, rng: np.random.Generator) -> Vectors:
        mean = _vectors(read, [without_words(text, how.word_dropout, rng) for text in texts]).mean(
            axis=0
        )
        unit: Vectors = mean / np.linalg.norm(mean)
        return unit

    return {"picture": of_picture, "sound": of_sound, "text": of_text}


def _one(encoder: Encoder, prepared: Any) -> Vectors:
    return _vectors(encoder, np.asarray(prepared)[None])[0]


def _vectors(encoder: Encoder, prepared: Any) -> Vectors:
    found: Vectors = encoder.encode(prepared)
    return found
