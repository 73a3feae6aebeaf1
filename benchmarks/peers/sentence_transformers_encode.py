"""sentence-transformers' ``encode`` at its defaults, over the texts of a JSON file.

    python benchmarks/peers/sentence_transformers_encode.py MODEL TEXTS VECTORS

Prints wall and CPU seconds of ``encode`` alone, as JSON; the model is loaded, and has seen a
batch, before the clock runs. Imports nothing of mmindex.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer

PREFIX = "passage: "


def main(folder: str, texts: str, vectors: str) -> None:
    """Embed, and write the vectors as ``.npy``."""
    words = Transformer(folder, max_seq_length=512)
    dim = words.get_word_embedding_dimension()
    model = SentenceTransformer(modules=[words, Pooling(dim, "mean")], device="cpu")
    told = [PREFIX + text for text in json.loads(Path(texts).read_text("utf-8"))]
    model.encode(told[:64])
    used, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = model.encode(told)
    took, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    np.save(vectors, found)
    threads = torch.get_num_threads()
    print(json.dumps({"wall_s": took, "cpu_s": cpu, "threads": threads}))


if __name__ == "__main__":
    main(*sys.argv[1:])
