"""Speech, read by faster-whisper from a model in a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from mmcore.media.limits import decoding, heartbeat
from mmcore.media.pieces import Damage, Pieces
from mmcore.media.reading.readers import ASR, loading
from mmcore.media.sounds.windows import Waveform, windows_and_damages
from mmcore.media.texts.clean import clean
from mmcore.media.texts.cues import Cue, cue_pieces
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content

BLOCK: Final = 300.0
"""Seconds that are read at once; a long recording is never in memory as a whole."""


def read_speech(
    content: Content, source: str, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    """What is said in a sound or a video's first track, as chunks with their times.

    ``source`` is that of the reader, of the model in ``spec.asr``.
    """
    if spec.asr is None:
        raise ValueError("segmentation.asr names no model")
    blocks = spec.model_copy(
        update={"audio_window": BLOCK, "audio_overlap": 0.0, "audio_denoise": False}
    )
    for found in windows_and_damages(content, limits, blocks):
        if isinstance(found, Damage):
            yield found
            continue
        span, samples = found
        yield from cue_pieces(heard(samples, spec.asr, span.start), spec, source, ASR)


def heard(samples: Waveform, model: str, start: float) -> Iterator[Cue]:
    """The phrases of a waveform at 16 kHz that begins at second ``start``; the same each time."""
    reader = _model(model)
    with decoding(ASR):
        phrases, _ = reader.transcribe(
            samples,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            vad_filter=True,
        )
        said = []
        for phrase in phrases:  # each is some seconds of work
            heartbeat.get()()
            said.append((phrase.start, phrase.end, clean(phrase.text)))
    for begin, end, text in said:
        if text:
            yield Cue(start + begin, start + end, text)


@cache
def _model(folder: str) -> Any:
    """The model; ConfigError where it cannot be loaded: that is no recording's fault."""
    with loading("segmentation.asr", folder):
        from faster_whisper import WhisperModel  # noqa: PLC0415 - an extra, slow to import

        return WhisperModel(
            folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
