"""Who decodes: names and versions, for quarantine rows and for what is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Final

from mmcore.errors import MediaError
from mmcore.media.limits import OUT_OF_MEMORY, STAGE
from mmcore.media.sniffing.kinds import DOCX, HTML, PDF, SVG
from mmcore.specs import LimitsSpec
from mmcore.types import Content
from storage.schemas import Modality

READER: Final = "reader 1"
"""Decoder of rejections that are no decoder's fault: such a content is not done."""

_READING: Final[Mapping[Modality, int]] = MappingProxyType(
    {Modality.IMAGE: 2, Modality.TEXT: 2, Modality.AUDIO: 2, Modality.VIDEO: 2}
)
"""Of our own code around the libraries: raised when it reads what it refused.

What is read stays read: that other arrays or texts come out is told by ``versions.VERSIONS``.
"""

# A text is refused where nobody can tell its charset, and charset-normalizer is who guesses last:
# another version may know. A DOCX is unpacked and read by our own code; no package is to be named.
_PACKAGES: Final[Mapping[Modality, str]] = MappingProxyType(
    {
        Modality.IMAGE: "pillow",
        Modality.TEXT: "charset-normalizer",
        Modality.AUDIO: "av",
        Modality.VIDEO: "av",
    }
)
_OF_TYPES: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        "image/heic": "pi-heif",
        "image/heif": "pi-heif",
        SVG: "resvg-py",
        HTML: "selectolax",
        PDF: "pypdfium2",
        DOCX: None,
    }
)
_READERS: Final[Mapping[str, tuple[str, Modality]]] = MappingProxyType(
    {"ocr": ("rapidocr", Modality.IMAGE), "asr": ("faster-whisper", Modality.AUDIO)}
)
"""Stage → what reads text in media that are no text.

A new version tries again what the old one refused; what it has read stays (``reading.readers``).
"""

_DEFAULT_LIMITS: Final = LimitsSpec.model_validate({})


def decoders(limits: LimitsSpec = _DEFAULT_LIMITS) -> tuple[str, ...]:
    """Names and versions of what decodes now; what only others rejected is tried again.

    ``limits`` is one of them, so that a raised limit lets in what the old one kept out.
    """
    usual = (_named(_PACKAGES.get(modality), modality) for modality in Modality)
    special = (_named(_OF_TYPES[kind], modality) for kind, modality in _typed())
    readers = (_named(package, modality) for package, modality in _READERS.values())
    return (*dict.fromkeys([*usual, *special, *readers]), limits_decoder(limits))


def decoder_of(content: Content, error: MediaError, limits: LimitsSpec) -> str:
    """Whose fault ``error`` is: a decoder's, a limit's, or that of neither."""
    if error.stage == "read" or error.reason == OUT_OF_MEMORY:
        return READER
    if error.stage == STAGE:
        return limits_decoder(limits)
    if error.stage in _READERS:
        return _named(*_READERS[error.stage])
    package = _OF_TYPES.get(content.media_type, _PACKAGES.get(content.modality))
    return _named(package, content.modality)


def limits_decoder(limits: LimitsSpec) -> str:
    """The limits as a decoder: other ones are another."""
    return f"limits {limits.digest}"


def _typed() -> list[tuple[str, Modality]]:
    return [
        (kind, Modality.IMAGE if kind.startswith("image/") else Modality.TEXT)
        for kind in _OF_TYPES
    ]


@cache
def _named(package: str | None, modality: Modality) -> str:
    """A package with its version, and the version of our code around it."""
    ours = f"mmindex-{modality} {_READING[modality]}"
    if package is None:
        return ours
    try:
        return f"{package} {version(package)}, {ours}"
    except PackageNotFoundError:  # once it is installed, what it reads is tried again
        return f"no {package}, {ours}"
