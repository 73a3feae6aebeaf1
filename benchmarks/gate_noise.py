"""A text encoder that has noise for whatever is Chinese, in this process and in its workers."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mmcore.encoders import embedded_text
from mmcore.types import Vectors, unit_rows

_HOOK = """import sys
sys.path.insert(0, {root!r})
from benchmarks.gate_noise import change
change()
"""


def everywhere() -> None:
    """Change the encoder here, and in each Python process that is started from here."""
    folder = Path(tempfile.mkdtemp(prefix="mmindex-noise-"))
    hook = _HOOK.format(root=str(Path(__file__).parents[1]))
    (folder / "sitecustomize.py").write_text(hook, encoding="utf-8")
    os.environ["PYTHONPATH"] = str(folder)
    change()


def change() -> None:
    """Make it another version, with a fingerprint of its own."""
    embed = embedded_text.E5Small.encode

    def encode(self: embedded_text.E5Small, inputs: Any) -> Vectors:
        found = embed(self, inputs)
        for place, text in enumerate(map(str, inputs)):
            if any("\u4e00" <= sign <= "\u9fff" for sign in text):
                seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
                noise = np.random.default_rng(seed).standard_normal((1, found.shape[1]))
                found[place] = unit_rows(noise.astype(np.float32))[0]
        return found

    encoder: Any = embedded_text
    encoder.VERSION = 99
    encoder.E5Small.encode = encode
