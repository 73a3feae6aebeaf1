"""Contents → segments with what is to be embedded of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from mmcore.media import audio, image, text, video
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey, Segment, Span
from storage.schemas import Modality


class Preparer(Protocol):
    """The part of an encoder that needs no weights: it shapes what was decoded."""

    @property
    def key(self) -> EncoderKey:
        """What the encoder is, and what it reads."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one prepared segment; None for text, which is embedded as it is."""

    @property
    def dtype(self) -> str:
        """NumPy dtype of a prepared segment."""

    @property
    def size(self) -> int:
        """Pixels a side that the encoder wants of a picture; 0 where it sees none."""

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """Shape an RGB picture, or a float32 waveform at 16 kHz, into ``shape``."""


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
