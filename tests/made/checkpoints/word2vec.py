"""Word vectors of random numbers, in the folder that training writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmcore.encoders.families.word_folder import write_folder

WORDS = (
    *("the", "a", "frog", "train", "leaves", "at", "noon", "dog", "barks", "in", "rain", "red"),
    *("一只", "青蛙", "汽车", "在", "雨", "里", "火车", "红色", "的", "狗", "猫", "蓝", "天"),
)
DIM = 24


def vectors() -> np.ndarray:
    """(words, 24) float32 of seeded normal numbers."""
    rng = np.random.default_rng(5)
    return rng.standard_normal((len(WORDS), DIM)).astype(np.float32)


def make(folder: Path) -> Path:
    """Write it, with counts that fall as Zipf's law has them."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = np.array([1000 // (rank + 1) for rank in range(len(WORDS))])
    write_folder(folder, WORDS, vectors(), counts)
    return folder
