"""Encoders without weights: unit vectors from a hash. Tested in tests/test_fakes.py."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.specs import SegmentationSpec
from mmcore.types import EncoderKey, Vectors, unit_rows
from storage.schemas import Modality, digest

READS = {
    Modality.TEXT: (Modality.TEXT, Modality.VIDEO),
    Modality.IMAGE: (Modality.IMAGE,),
    Modality.AUDIO: (Modality.AUDIO, Modality.VIDEO),
    Modality.VIDEO: (Modality.VIDEO,),
}
SHAPES = {
    Modality.TEXT: None,
    Modality.IMAGE: (8, 8, 3),
    Modality.VIDEO: (8, 8, 3),
    Modality.AUDIO: (16,),
}


def hashed(data: bytes, dim: int) -> NDArray[np.float64]:
    """``dim`` normal numbers that ``data`` decides."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(dim)


class HashEncoder:
    """An encoder of any modality: equal inputs have equal vectors, others have unrelated ones.

    ``version`` changes the fingerprint and the vectors, as a new model would; ``calls`` counts
    what was embedded. Encoders of one ``space`` share it, as two towers do.
    """

    licence = "CC0-1.0"
    size = 8

    def __init__(
        self,
        modality: Modality,
        *,
        dim: int = 16,
        space: str | None = None,
        version: int = 1,
        segmentation: SegmentationSpec | None = None,
    ) -> None:
        name = f"hash-{modality}"
        cut = (segmentation or SegmentationSpec()).deciding(modality)
        fingerprint = digest({"fake": name, "dim": dim, "version": version, "segmentation": cut})
        self.key = EncoderKey(modality, name, fingerprint, space or name, dim, READS[modality])
        self.shape = SHAPES[modality]
        self.dtype = "float32" if modality is Modality.AUDIO else "uint8"
        self.calls = 0

    @property
    def compute(self) -> Mapping[str, str]:
        """A hash has one precision."""
        return {"dtype": "float32", "device": "cpu"}

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """A picture of 8×8, or the loudness of 16 stretches of a sound."""
        if self.key.modality is Modality.TEXT:
            return np.array(decoded)
        if self.key.modality is Modality.AUDIO:
            parts = np.array_split(np.asarray(decoded, dtype=np.float32), 16)
            return np.array([np.abs(p).mean() if len(p) else 0 for p in parts], dtype=np.float32)
        return np.asarray(decoded.convert("RGB").resize((8, 8)), dtype=np.uint8)

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """One vector an input, from the hash of its bytes."""
        self.calls += len(inputs)
        rows = [self._row(one) for one in inputs]
        return unit_rows(np.array(rows)) if rows else np.zeros((0, self.key.dim), np.float32)

    def encode_query(self, decoded: Any) -> Vectors:
        """The same vector as what is indexed: a hash has no sides."""
        return self.encode([self.prepare(decoded)])[0]

    def encode_queries(self, decoded: Sequence[Any]) -> Vectors:
        """Many at once."""
        return self.encode([self.prepare(one) for one in decoded])

    def _row(self, one: Any) -> NDArray[np.float64]:
        raw = str(one).encode() if self.key.modality is Modality.TEXT else one.tobytes()
        return hashed(self.key.fingerprint.encode() + raw, self.key.dim)


def hash_encoders(**options: Any) -> tuple[HashEncoder, ...]:
    """One HashEncoder a modality, the text encoder first."""
    order = (Modality.TEXT, Modality.IMAGE, Modality.VIDEO, Modality.AUDIO)
    return tuple(HashEncoder(modality, **options) for modality in order)
