"""Which readers a run has, by its settings, and what decides what they read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mmcore.errors import ConfigError, MissingExtraError
from mmcore.specs import SegmentationSpec
from storage.schemas import MmindexError, Modality, digest

OCR, ASR = "ocr", "asr"
VERSION: Final = 1
"""Raised when our own code around the models reads another text, or cuts it otherwise."""

_NEEDED: Final = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARY: Final = "vocabulary."
_PARTS: Final = frozenset({".bin", ".json", ".txt"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what text is in contents of ``reads``, for the text encoder to embed."""

    name: str  # ocr or asr
    fingerprint: str
    reads: tuple[Modality, ...]

    @property
    def source(self) -> str:
        """The source of its segments, ``ocr@<fingerprint>``."""
        return f"{self.name}@{self.fingerprint}"


def readers_of(spec: SegmentationSpec) -> tuple[Reader, ...]:
    """The readers that ``spec`` asks for; loads no model.

    MissingExtraError where their package is not installed, ConfigError for a folder that is no
    model of faster-whisper.
    """
    found = []
    if spec.ocr:
        found.append(Reader(OCR, _ocr_fingerprint(), (Modality.IMAGE,)))
    if spec.asr is not None:
        found.append(Reader(ASR, _asr_fingerprint(spec.asr), (Modality.AUDIO, Modality.VIDEO)))
    return tuple(found)


def _ocr_fingerprint() -> str:
    """Of the package's version, which is that of the models in it."""
    if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
        raise MissingExtraError("reading text in pictures", "ocr")
    return digest({"rapidocr": version("rapidocr"), "version": VERSION}, length=8)


def _asr_fingerprint(folder: str) -> str:
    """Of the model's files, wherever they lie.

    The model decides what is heard. Another version of faster-whisper only computes it anew, and
    hours of speech are not read again for that; what the old one refused is (``decoders``).
    """
    if find_spec("faster_whisper") is None:
        raise MissingExtraError("reading speech", "asr")
    here = sorted(path for path in Path(folder).glob("*") if path.suffix in _PARTS)
    names = {path.name for path in here}
    lacking = [name for name in _NEEDED if name not in names]
    if lacking or not any(name.startswith(_VOCABULARY) for name in names):
        raise ConfigError(
            f"segmentation.asr: {folder} has no {(*lacking, _VOCABULARY + '*')[0]}: name a folder"
            " with a Whisper model in the format of CTranslate2, such as faster-whisper-small"
        )
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in here]
    return digest({"model": _hashes(tuple(stamps)), "version": VERSION}, length=8)


@contextmanager
def loading(setting: str, what: str) -> Iterator[None]:
    """Make whatever keeps a model from being loaded a ConfigError: it is no file's fault."""
    try:
        yield
    except MmindexError:
        raise
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ConfigError(f"{setting}: {what} cannot be loaded ({words})") from error


@lru_cache(maxsize=4)
def _hashes(stamps: tuple[tuple[str, int, int], ...]) -> list[str]:
    found = []
    for path, _, _ in stamps:
        found.append(Path(path).name)
        with Path(path).open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    return found
