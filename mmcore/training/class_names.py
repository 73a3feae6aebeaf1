"""What the names of a classifier's classes mean to a text encoder.

The vectors of ImageNet's names by the embedded text encoder lie beside the code: to embed 3,000
phrases takes longer than anything else in a first run. After a change of the encoder make them
again by ``python -m mmcore.training.class_names``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load, save

from mmcore.encoders.base import Encoder
from mmcore.encoders.features import Features
from storage.schemas import digest

TEMPLATES: Final = ("a photo of a {}", "{}", "A {}.")
FILE: Final = "class_names.safetensors"

_meant: Final[dict[str, Features]] = {}  # by what they were made from; some MB each


def class_vectors(text: Encoder, names: Sequence[str]) -> Features:
    """(classes, d) what classes' names mean: over three phrases, less the mean of all classes."""
    kept = shipped().get(made_from(text, names))
    return computed(text, names) if kept is None else kept


def computed(text: Encoder, names: Sequence[str]) -> Features:
    """``class_vectors``, by the encoder: what is kept is this, in half precision."""
    vectors = meant(text, names)
    return np.asarray(vectors - vectors.mean(axis=0), dtype=np.float32)


def meant(text: Encoder, names: Sequence[str]) -> Features:
    """(classes, d) what classes' names mean, with what all of them have in common.

    Embedded once a process: several heads of a lake are made of the same names.
    """
    made = made_from(text, names)
    if made not in _meant:
        phrases = [text.encode([t.format(name) for name in names]) for t in TEMPLATES]
        _meant[made] = np.asarray(np.mean(phrases, axis=0), dtype=np.float32)
    return _meant[made]


def made_from(text: Encoder, names: Sequence[str]) -> str:
    """Name vectors by all that decides them."""
    return digest([text.key.name, text.key.fingerprint, list(TEMPLATES), list(names)])


@cache
def shipped() -> dict[str, Features]:
    """The vectors that lie beside the code, by what they were made from."""
    source = files("mmcore.training").joinpath(FILE)
    if not source.is_file():
        return {}
    tensors = load(source.read_bytes())
    return {name: found.astype(np.float32) for name, found in tensors.items()}


def write(text: Encoder, names: Sequence[str], folder: Path) -> Path:
    """Embed and keep, in half precision, under what they were made from."""
    vectors = computed(text, names).astype(np.float16)
    path = folder / FILE
    path.write_bytes(save({made_from(text, names): vectors}))
    return path


if __name__ == "__main__":
    from mmcore.encoders.embedded_image import classifier
    from mmcore.encoders.presets import encoders_of
    from mmcore.specs import RuntimeSpec, SegmentationSpec

    embedded = encoders_of("embedded", SegmentationSpec(), RuntimeSpec())
    write(embedded[0], classifier().names, Path(__file__).parent)
