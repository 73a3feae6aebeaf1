"""Opening sound and video through PyAV, without its risks."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import av

from mmcore.errors import MediaError
from mmcore.media.extents import telling_cuts
from mmcore.media.limits import decoding
from mmcore.types import Content

# Playlists and scripts (hls, concat, dash …) would open other files, "ansi" would play a text.
DEMUXERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,matroska,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mpegvideo,ogg,tak,tta,voc,w64,wav,wv"
)
BROKEN_OFF: Final = "the container breaks off"
_BUFFER: Final = 1 << 18


@contextmanager
def opened(
    content: Content, stage: str, options: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Any]:
    """An open PyAV container of the content's file; closed on leaving.

    ``options`` are those of its demuxer. Read through a Python file: no name is taken for a
    protocol, and names need not be UTF-8. Raises MediaError when no allowed demuxer takes it;
    OSError when the file cannot be read. A decoder's MediaError, also one of what is done with the
    container, becomes ``truncated`` where the file is shorter than it says.
    """
    with telling_cuts(content.location), Path(content.location).open("rb") as file:
        with reading(stage):
            container = av.open(
                _Seekable(file),
                mode="r",
                container_options={"format_whitelist": DEMUXERS, **options},
                metadata_errors="replace",
                buffer_size=_BUFFER,
            )
        try:
            yield container
        finally:
            container.close()


@contextmanager
def reading(stage: str) -> Iterator[None]:
    """``decoding`` of FFmpeg, whose EIO is a container that breaks off: the disk's is another's.

    What fails in reading the file comes out of PyAV as the system's own OSError.
    """
    with decoding(stage, av.FFmpegError):
        try:
            yield
        except av.FFmpegError as error:
            if error.errno != errno.EIO:
                raise
            raise MediaError(stage, "decode-error", BROKEN_OFF) from error


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
