"""Contents → segments with what is to be embedded of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mmcore.media import audio, image, text, video
from mmcore.media.preparer import Preparer
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Segment, Span
from storage.schemas import Modality

Cut = Iterator[tuple[Segment, Any]]


def cut(content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec) -> Cut:
    """Decode one content; yield (segment, decoded): a PIL picture, a waveform, None for text.

    Raises MediaError, also after some segments; OSError when the file cannot be read.
    """
    return _CUTTERS[encoder.key.modality](content, encoder, spec, limits)


def _whole(content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec) -> Cut:
    decoded = image.load_image(content, limits, target=encoder.size)
    yield _segment(content, Modality.IMAGE, "whole"), decoded


def _chunks(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Cut:
    for span, chunk in text.chunks(text.read_text(content, limits), spec):
        language = text.detect_language(chunk)
        yield (
            Segment(
                content.content_id,
                Modality.TEXT,
                "self",
                f"chunk-{spec.text_chars}",
                span,
                language,
                chunk,
            ),
            None,
        )


def _windows(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Cut:
    name = f"window-{spec.audio_window:g}s"
    for span, samples in audio.windows(content, limits, spec):
        yield _segment(content, Modality.AUDIO, name, span), samples


def _frames(
    content: Content, encoder: Preparer, spec: SegmentationSpec, limits: LimitsSpec
) -> Cut:
    name = f"frame-{spec.video_interval:g}s"
    for span, picture in video.frames(content, limits, spec, target=encoder.size or None):
        yield _segment(content, Modality.VIDEO, name, span), picture


def _segment(
    content: Content, modality: Modality, segmentation: str, span: Span | None = None
) -> Segment:
    """A segment without text; a video's sound is its first track."""
    track = modality is Modality.AUDIO and content.modality is Modality.VIDEO
    source = "track:0" if track else "self"
    return Segment(content.content_id, modality, source, segmentation, span)


_CUTTERS: Final[Mapping[Modality, Callable[..., Cut]]] = {
    Modality.IMAGE: _whole,
    Modality.TEXT: _chunks,
    Modality.AUDIO: _windows,
    Modality.VIDEO: _frames,
}
