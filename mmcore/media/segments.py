"""Contents → pieces: which part of the decoding an encoder's modality and a content ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from mmcore.media.pieces import Pieces
from mmcore.media.preparer import Preparer, rate_of
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content
from storage.schemas import Modality

Cutter = Callable[[Content, Preparer, SegmentationSpec, LimitsSpec], Pieces]


def cut(
    content: Content,
    encoder: Preparer,
    spec: SegmentationSpec,
    limits: LimitsSpec,
    reader: str = "",
) -> Pieces:
    """Decode one content into what ``encoder`` is to embed of it, or read it by ``reader``.

    Raises MediaError, also after some pieces; OSError when the file cannot be read.
    """
    if reader:
        return _READERS[reader.partition("@")[0]](content, reader, spec, limits)
    return _CUTTERS[encoder.key.modality, content.modality](content, encoder, spec, limits)


def _pictures(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.images.cut import pictures  # noqa: PLC0415 - a text loads no decoder

    return pictures(content, spec, limits, target=encoder.size)


def _passages(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.texts.cut import passages  # noqa: PLC0415

    return passages(content, spec, limits)


def _subtitles(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.videos.subtitles import subtitles  # noqa: PLC0415

    return subtitles(content, spec, limits)


def _sounds(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.sounds.cut import sounds  # noqa: PLC0415

    return sounds(content, spec, limits, rate_of(encoder))


def _frames(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.videos.cut import moving_pictures  # noqa: PLC0415

    return moving_pictures(content, spec, limits, target=encoder.size or None)


_CUTTERS: Final[Mapping[tuple[Modality, Modality], Cutter]] = MappingProxyType(
    {
        (Modality.IMAGE, Modality.IMAGE): _pictures,
        (Modality.TEXT, Modality.TEXT): _passages,
        (Modality.TEXT, Modality.VIDEO): _subtitles,
        (Modality.AUDIO, Modality.AUDIO): _sounds,
        (Modality.AUDIO, Modality.VIDEO): _sounds,
        (Modality.VIDEO, Modality.VIDEO): _frames,
    }
)


def _read_pictures(
    content: Content, source: str, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.reading.ocr import read_pictures  # noqa: PLC0415 - an extra

    return read_pictures(content, source, spec, limits)


def _read_speech(
    content: Content, source: str, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    from mmcore.media.reading.asr import read_speech  # noqa: PLC0415 - an extra

    return read_speech(content, source, spec, limits)


_READERS: Final[Mapping[str, Callable[[Content, str, SegmentationSpec, LimitsSpec], Pieces]]] = (
    MappingProxyType({"ocr": _read_pictures, "asr": _read_speech})
)
