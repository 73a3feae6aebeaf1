"""clip-retrieval's ``inference`` over a folder of pictures, in its own environment.

See research on how to install it: torch, torchvision, clip-retrieval, ``setuptools<81``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.measured import Figures, timed


def inference(python: Path, pictures: Path, weights: Path, out: Path) -> Figures:
    """Wall and CPU seconds of the whole program; ``weights``: an open_clip ViT-B-32 state dict."""
    told = {
        "input_dataset": pictures,
        "output_folder": out,
        "clip_model": f"open_clip:ViT-B-32/{weights}",
        "use_jit": False,
        "batch_size": 32,
        "num_prepro_workers": 2,
        "enable_text": False,
        "enable_metadata": False,
    }
    arguments = [word for name, value in told.items() for word in (f"--{name}", str(value))]
    return timed([str(python.parent / "clip-retrieval"), "inference", *arguments])


def vectors(out: Path) -> dict[str, NDArray[np.float32]]:
    """Name of a picture → its vector, of unit length."""
    found: dict[str, NDArray[np.float32]] = {}
    for part in sorted((out / "img_emb").glob("img_emb_*.npy")):
        number = part.stem.rpartition("_")[2]
        table = pq.read_table(out / "metadata" / f"metadata_{number}.parquet")
        rows = np.load(part).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        paths = table["image_path"].to_pylist()
        found |= {Path(path).stem: row for path, row in zip(paths, rows, strict=True)}
    return found
