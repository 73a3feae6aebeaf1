"""Sound → windows of mono samples at 16 kHz, streaming."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from mmcore.errors import MediaError
from mmcore.media.container import check_decoder, declared_seconds, opened
from mmcore.media.limits import check_seconds, decoding
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span
from storage.schemas import Modality

RATE: Final = 16_000
"""Samples a second of every waveform here."""

_RATES: Final = (1000, 768_000)

Waveform = NDArray[np.float32]


def windows(
    content: Content, limits: LimitsSpec, spec: SegmentationSpec, *, track: int = 0
) -> Iterator[tuple[Span, Waveform]]:
    """Windows of ``audio_window`` seconds: (span in seconds, (n,) float32 mono at ``RATE``).

    They tile the sound: nothing is cropped or overlaps, and a last one shorter than a quarter
    joins the one before. A video without that track gives none. Any error of the decoder, at
    whatever second, raises MediaError: a damaged sound is rejected whole, while one that merely
    ends early is what it is.
    """
    size = round(spec.audio_window * RATE)
    held: list[Waveform] = []
    start = length = 0
    for samples in _samples(content, limits, track):
        held.append(samples)
        length += len(samples)
        while length >= size + size // 4:
            joined = np.concatenate(held)
            yield _span(start, size), joined[:size].copy()
            held, start, length = [joined[size:]], start + size, length - size
    if length:
        yield _span(start, length), np.concatenate(held)
    if not start and not length and content.modality is Modality.AUDIO:
        raise MediaError("audio", "no-samples", "the sound holds no sample")


def _span(start: int, length: int) -> Span:
    return Span(start / RATE, (start + length) / RATE, "second")


def _samples(content: Content, limits: LimitsSpec, track: int) -> Iterator[Waveform]:
    """Blocks of mono samples at ``RATE``; at most a decoder's frame is held."""
    with opened(content, "audio") as container:
        tracks = container.streams.audio
        if track >= len(tracks):
            if content.modality is Modality.AUDIO:
                raise MediaError("audio", "no-audio-stream", f"{len(tracks)} sound tracks")
            return
        check_decoder(tracks[track], "audio")
        _check_rate(tracks[track].codec_context.sample_rate)
        check_seconds(declared_seconds(container) or 0.0, limits)
        count = 0
        for samples in _resampled(container, tracks[track]):
            count += len(samples)
            check_seconds(count / RATE, limits)
            if not np.isfinite(samples).all():
                raise MediaError("audio", "not-finite", "a sample is not a number")
            yield samples


def _check_rate(rate: int) -> None:
    """Refuse a rate no sound has: resampling from it costs seconds and gigabytes."""
    if not _RATES[0] <= rate <= _RATES[1]:
        raise MediaError("audio", "odd-rate", f"{rate} samples a second")


def _resampled(container: Any, stream: Any) -> Iterator[Waveform]:
    # Channels are averaged here: FFmpeg's own mix makes equal channels 3 dB louder than one. They
    # come interleaved: PyAV 18.1 reads beyond the eighth plane of a planar frame and crashes.
    resampler = av.AudioResampler(format="flt", rate=RATE)
    frames = iter(container.decode(stream))
    while True:
        with decoding("audio", av.FFmpegError):
            frame = next(frames, None)
            if frame is not None:
                frame.pts, frame.time_base = None, Fraction(1, frame.sample_rate)
            blocks = [_mono(block) for block in resampler.resample(frame)]
        yield from blocks
        if frame is None:
            return


def _mono(block: Any) -> Waveform:
    """The mean of the interleaved channels of one resampled frame."""
    channels = block.to_ndarray().reshape(-1, block.layout.nb_channels)
    mono: Waveform = channels.mean(axis=1, dtype=np.float32)
    return mono
