"""Opening sound and video through PyAV, without its risks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import av

from mmcore.errors import MediaError
from mmcore.media.limits import decoding
from mmcore.types import Content

# Playlists and scripts (hls, concat, dash …) would open other files, "ansi" would play a text.
DEMUXERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,matroska,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mpegvideo,ogg,tak,tta,voc,w64,wav,wv"
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
                _Seekable(file),
                mode="r",
                container_options={"format_whitelist": DEMUXERS},
                metadata_errors="replace",
                buffer_size=_BUFFER,
            )
        try:
            yield container
        finally:
            container.close()


class _Seekable:
    """A file whose refused seeks are answers: a header's nonsense is no error of the system."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell, self._seek = file.read, file.tell, file.seek

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there; -1, which FFmpeg takes for a failure, where there is no such place."""
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def check_decoder(stream: Any, stage: str) -> None:
    """Raise MediaError ``no-decoder`` for a stream that FFmpeg knows no decoder for."""
    if stream.codec_context is None:
        raise MediaError(stage, "no-decoder", "the codec is unknown")


def declared_seconds(container: Any) -> float | None:
    """What the container says of its length; None when it says nothing."""
    return None if container.duration is None else float(container.duration / av.time_base)
