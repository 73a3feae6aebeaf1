"""Opening sound and video through PyAV, without its risks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import av

from mmcore.errors import MediaError
from mmcore.media.limits import decoding
from mmcore.types import Content

# Playlists and scripts (hls, concat, dash …) would open other files, "ansi" would play a text.
DEMUXERS: Final = (
    "aac,aiff,amr,asf,au,avi,caf,flac,flv,matroska,mov,mp3,mpeg,mpegts,mpegvideo,ogg,wav,wv"
)
_BUFFER: Final = 1 << 18


@contextmanager
def opened(content: Content, stage: str) -> Iterator[Any]:
    """An open PyAV container of the content's file; closed on leaving.

    Read through a Python file: no name is taken for a protocol, and names need not be UTF-8.
    Raises MediaError when no allowed demuxer takes it; OSError when the file cannot be read.
    """
    with Path(content.location).open("rb") as file:
        with decoding(stage, av.FFmpegError):
            container = av.open(
                file,
                mode="r",
                container_options={"format_whitelist": DEMUXERS},
                metadata_errors="replace",
                buffer_size=_BUFFER,
            )
        try:
            yield container
        finally:
            container.close()


def check_decoder(stream: Any, stage: str) -> None:
    """Raise MediaError ``no-decoder`` for a stream that FFmpeg knows no decoder for."""
    if stream.codec_context is None:
        raise MediaError(stage, "no-decoder", "the codec is unknown")


def declared_seconds(container: Any) -> float | None:
    """What the container says of its length; None when it says nothing."""
    return None if container.duration is None else float(container.duration / av.time_base)
