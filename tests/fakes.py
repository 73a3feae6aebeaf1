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

WORDS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "yellow": (255, 255, 0),
    "purple": (255, 0, 255),
    "cyan": (0, 255, 255),
}  # what MeaningEncoder knows, and the colour of each
RATE = 16_000  # of the sounds that it is given, in hertz


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
        name: str = "",
    ) -> None:
        name = name or f"hash-{modality}"
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


class MeaningEncoder(HashEncoder):
    """Encoders of one space give what means the same almost the same vector, as two towers do.

    A text means the first of WORDS in it, a picture the one whose colour is nearest to its own, a
    sound the one whose pitch is nearest. What lies in other spaces is unrelated. All vectors of a
    modality have something in common that those of others have not, as in real joint spaces.
    """

    def __init__(self, modality: Modality, space: str, **options: Any) -> None:
        super().__init__(modality, space=space, name=f"{space}-{modality}", **options)

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """As any HashEncoder; of a sound, how often it changes its sign."""
        if self.key.modality is not Modality.AUDIO:
            return super().prepare(decoded)
        signs = np.signbit(np.asarray(decoded, dtype=np.float32))
        return np.full(16, np.mean(signs[1:] != signs[:-1]), dtype=np.float32)

    def _row(self, one: Any) -> NDArray[np.float64]:
        modality, space = self.key.modality, self.key.space
        meant = hashed(f"{space} {self._meaning(one)}".encode(), self.key.dim)
        common = hashed(f"{space} {modality}".encode(), self.key.dim)
        raw = str(one).encode() if modality is Modality.TEXT else one.tobytes()
        return meant + 0.5 * common + 0.1 * hashed(self.key.fingerprint.encode() + raw, len(meant))

    def _meaning(self, one: Any) -> str:
        if self.key.modality is Modality.TEXT:
            said = str(one).lower()
            return next((word for word in WORDS if word in said), said)
        if self.key.modality is Modality.AUDIO:
            changes = float(one[0])
            return min(WORDS, key=lambda word: abs(2 * pitch(word) / RATE - changes))
        mean = one.reshape(-1, 3).mean(axis=0)
        return min(WORDS, key=lambda word: float(np.linalg.norm(mean - WORDS[word])))


def pitch(word: str) -> float:
    """The frequency, in hertz, of a tone that means one of WORDS."""
    return 200.0 * (2 + list(WORDS).index(word))


def hash_encoders(**options: Any) -> tuple[HashEncoder, ...]:
    """One HashEncoder a modality, the text encoder first."""
    order = (Modality.TEXT, Modality.IMAGE, Modality.VIDEO, Modality.AUDIO)
    return tuple(HashEncoder(modality, **options) for modality in order)
