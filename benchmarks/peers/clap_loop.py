"""``ClapFeatureExtractor`` and ``ClapModel`` in a loop, one clip at a time, in float32.

    python benchmarks/peers/clap_loop.py MODEL CLIPS VECTORS

CLIPS is an ``.npy`` of (n, samples) float32 at 48 kHz. Prints wall and CPU seconds, as JSON, after
a first clip that does not count. Imports nothing of mmindex.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import ClapFeatureExtractor, ClapModel


def main(folder: str, clips: str, vectors: str) -> None:
    """Embed, and write the vectors as ``.npy``."""
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    model = ClapModel.from_pretrained(folder).eval()
    waves = np.load(clips)

    def embed(wave: np.ndarray) -> np.ndarray:
        features = extractor(wave, sampling_rate=48_000, return_tensors="pt")
        if extractor.truncation == "fusion":
            features["is_longer"] = torch.zeros_like(features["is_longer"])
        with torch.inference_mode():
            found = model.get_audio_features(**features)
        found = getattr(found, "pooler_output", found)
        return found.numpy()[0]

    embed(waves[0])
    used, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = np.stack([embed(wave) for wave in waves])
    took, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    np.save(vectors, found / np.linalg.norm(found, axis=1, keepdims=True))
    print(json.dumps({"wall_s": took, "cpu_s": cpu}))


if __name__ == "__main__":
    Path(sys.argv[3]).parent.mkdir(parents=True, exist_ok=True)
    main(*sys.argv[1:])
