"""Sounds → pieces."""

from __future__ import annotations

from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.sounds.denoise import denoised
from mmcore.media.sounds.kinds import kind_of
from mmcore.media.sounds.windows import windows_and_damages
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content
from storage.schemas import Modality


def sounds(content: Content, spec: SegmentationSpec, limits: LimitsSpec) -> Pieces:
    """The windows of a sound, or of a video's first track, and what each was found to be."""
    name = f"window-{spec.audio_window:g}s"
    if spec.audio_overlap:
        name += f"-{spec.audio_overlap:g}s"
    source = "track:0" if content.modality is Modality.VIDEO else "self"
    for found in windows_and_damages(content, limits, spec):
        if isinstance(found, Damage):
            yield found
            continue
        span, samples = found
        samples = denoised(samples) if spec.audio_denoise else samples
        yield Piece(name, samples, source, span, kind=kind_of(samples))
