"""Videos → pieces."""

from __future__ import annotations

from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.videos.frames import shown
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content


def moving_pictures(
    content: Content, spec: SegmentationSpec, limits: LimitsSpec, *, target: int | None
) -> Pieces:
    """A frame for each interval of a video, or for each shot."""
    shots = spec.video_cut == "shots"
    name = "shot" if shots else f"frame-{spec.video_interval:g}s"
    kind = "shot" if shots else None
    for found in shown(content, limits, spec, target=target):
        if isinstance(found, Damage):
            yield found
        else:
            span, picture = found
            yield Piece(name, picture, span=span, kind=kind)
