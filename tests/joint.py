"""Inputs and measures for encoders of pictures and texts, to compare them with a library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmcore.encoders.base import Encoder, encoders
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.made.images import noisy

LEAST = {"float32": 0.9999, "bfloat16": 0.999}
"""Cosine with the library's fp32 vector, by the precision of ours."""

MEDIA = Path(__file__).parents[1] / "examples" / "media" / "places"

TEXTS = [
    "A frog",
    "一只青蛙坐在雨中。",
    "The train leaves at noon.",
    "老港口",
    "2,718 boats!",
]


def pictures() -> list[Image.Image]:
    """Photographs and smooth noise, of odd sizes, wide and high."""
    found = [Image.open(path).convert("RGB") for path in sorted(MEDIA.glob("*.jpg"))]
    return [*found, found[0].crop((3, 5, 160, 240)), noisy(97, 61), noisy(45, 203, seed=1)]


def made(name: str, folder: Path, **fields: object) -> Encoder:
    """The encoder ``<preset>-<tower>`` on the CPU, with the weights of ``folder``."""
    models = {name.rpartition("-")[0]: str(folder)}
    runtime = RuntimeSpec(**{"device": "cpu", "dtype": "float32", "models": models, **fields})
    return encoders.get(name)(SegmentationSpec(), runtime)


def prepared(encoder: Encoder, images: Sequence[Image.Image]) -> np.ndarray:
    """What a shard would hold of these pictures."""
    return np.stack([encoder.prepare(one) for one in images])


def unit(rows: torch.Tensor) -> np.ndarray:
    """Rows of length one."""
    return torch.nn.functional.normalize(rows.float(), dim=-1).numpy()


def check_apart(reference: np.ndarray) -> None:
    """A comparison proves something where no two inputs have the same vector."""
    cosines = reference @ reference.T - np.eye(len(reference))

    assert cosines.max() < 0.97
    assert np.median(cosines) < 0.95


def check_faithful(encoder: Encoder, inputs: Sequence, reference: np.ndarray) -> None:
    """Ours is the library's vector: in a batch, alone, in another order."""
    least = LEAST[encoder.compute["dtype"]]
    together = encoder.encode(inputs)
    alone = np.concatenate([encoder.encode(inputs[n : n + 1]) for n in range(len(inputs))])
    turned = encoder.encode(inputs[::-1])[::-1]

    check_apart(reference)
    for ours in (together, alone, turned):
        assert ours.dtype == np.float32
        assert (ours * reference).sum(axis=1).min() >= least


def check_keys(names: Sequence[str], folder: Path, copied: Path, other: Path) -> None:
    """Keys of one checkpoint share a space and go with a copy; other weights have other ones."""
    assert len({made(name, folder).key.space for name in names}) == 1
    for name in names:
        key = made(name, folder).key
        assert made(name, copied).key == key
        assert made(name, other).key.fingerprint != key.fingerprint
        assert made(name, other).key.space != key.space


def by_hand(
    ids: Sequence[int],
    around: tuple[list[int], list[int]],
    most: int,
    embed: Callable[[list[list[int]]], torch.Tensor],
) -> np.ndarray:
    """The mean of a long text's windows, weighted by their tokens; ``embed`` is the library's."""
    before, behind = around
    inner = ids[len(before) : len(ids) - len(behind)]
    count = -(-len(inner) // (most - len(before) - len(behind)))
    assert count > 1
    bounds = np.linspace(0, len(inner), count + 1).astype(int)
    windows = [[*before, *inner[bounds[n] : bounds[n + 1]], *behind] for n in range(count)]
    rows = np.concatenate([unit(embed([window])) for window in windows])
    weights = np.array([len(window) for window in windows])
    total = (rows * weights[:, None]).sum(axis=0)
    return total / np.linalg.norm(total)


def check_light(names: Sequence[str], folder: Path) -> None:
    """Making these encoders imports no torch, transformers or open_clip."""
    preset = names[0].rpartition("-")[0]
    code = (
        "import sys\n"
        "from mmcore.encoders.base import encoders\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"runtime = RuntimeSpec(models={{{preset!r}: {str(folder)!r}}})\n"
        f"for name in {list(names)!r}: encoders.get(name)(SegmentationSpec(), runtime).key\n"
        "assert not {'torch', 'transformers', 'open_clip'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
