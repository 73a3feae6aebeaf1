"""Which stream of a container is the video."""

from __future__ import annotations

from typing import Any

from av.stream import Disposition

from mmcore.errors import MediaError
from mmcore.media.container import check_decoder
from mmcore.media.limits import check_pixels
from mmcore.specs import LimitsSpec


def picture_stream(container: Any) -> Any | None:
    """The first stream of moving pictures: the cover of an album is none."""
    for stream in container.streams.video:
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails):
            return stream
    return None


def require_media(container: Any) -> None:
    """Raise MediaError (no-stream) where a file has neither pictures nor sound: it is damaged."""
    if picture_stream(container) is None and not container.streams.audio:
        raise MediaError("video", "no-stream", "neither pictures nor sound")


def checked_stream(container: Any, limits: LimitsSpec) -> Any | None:
    """The stream of pictures, fit to be decoded; None for a file with sound alone.

    Raises MediaError (no-stream, no-decoder, too-many-pixels). Its decoder refuses frames above
    ``max_pixels``, whatever the container says of their size.
    """
    require_media(container)
    stream = picture_stream(container)
    if stream is None:
        return None
    check_decoder(stream, "video")
    check_pixels(stream.width, stream.height, limits)
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
    return stream
