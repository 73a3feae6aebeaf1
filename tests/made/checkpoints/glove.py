"""Word vectors of random numbers, as a file of GloVe has them."""

from __future__ import annotations

from pathlib import Path

from tests.made.checkpoints.word2vec import WORDS, vectors


def make(folder: Path) -> Path:
    """Write ``glove.txt``: no header, a word and its numbers a line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "glove.txt"
    lines = [
        " ".join([word, *(f"{number:.6f}" for number in numbers)])
        for word, numbers in zip(WORDS, vectors(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
