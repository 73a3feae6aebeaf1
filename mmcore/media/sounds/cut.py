"""Sounds → pieces."""

from __future__ import annotations

from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.sounds.denoise import denoised
from mmcore.media.sounds.kinds import kind_of
from mmcore.media.sounds.resample import RATE, resampled
from mmcore.media.sounds.windows import windows_and_damages
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content
from storage.schemas import Modality


def sounds(
    content: Content, spec: SegmentationSpec, limits: LimitsSpec, rate: int = RATE
) -> Pieces:
    """The windows of a sound, or of a video's first track, at ``rate``, and what each is.

    What it is (``kind``) is told of the window at 16 kHz, whatever the rate.
    """
    name = f"window-{spec.audio_window:g}s"
    if spec.audio_overlap:
        name += f"-{spec.audio_overlap:g}s"
    source = "track:0" if content.modality is Modality.VIDEO else "self"
    for found in windows_and_damages(content, limits, spec, rate=rate):
        if isinstance(found, Damage):
            yield found
            continue
        span, samples = found
        samples = denoised(samples, rate) if spec.audio_denoise else samples
        yield Piece(name, samples, source, span, kind=kind_of(resampled(samples, rate)))
