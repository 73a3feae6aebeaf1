"""Plain folders of small real media, as people have them: ``train/image_1.png`` and so on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mmcore.training.split import is_held_out, key_of
from tests import media


def write(root: Path, files: Mapping[str, str | float]) -> Path:
    """Write files by path: a text's words, a sound's seconds, a picture's seed (any other)."""
    for number, (name, what) in enumerate(files.items()):
        path = root / name
        if name.endswith((".txt", ".csv")):
            media.text(path, str(what))
        elif name.endswith(".wav"):
            media.wav(path, float(what), hertz=200.0 + 10 * number)
        else:
            media.png(path, media.noise(24, 16, seed=int(what)))
    return root


def numbered(
    folder: str, captions: Iterable[str], *, sound: float = 0.0
) -> dict[str, str | float]:
    """Items of a picture, a caption and, with seconds of it, a sound, by number below a folder."""
    files: dict[str, str | float] = {}
    for number, caption in enumerate(captions, start=1):
        files[f"{folder}/image_{number}.png"] = sum(f"{folder}{number}".encode()) * 100 + number
        files[f"{folder}/text_{number}.txt"] = caption
        if sound:
            files[f"{folder}/audio_{number}.wav"] = sound
    return files


def captions(held_out: bool, count: int, share: float = 0.2) -> list[str]:
    """Different captions that all are, or all are not, held out by their hash."""
    every = (f"A thing called {number}." for number in range(10_000))
    found = (one for one in every if is_held_out(key_of(one), share) is held_out)
    return [next(found) for _ in range(count)]
