"""Packets of a container that may break off, or gain streams on its way."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import Any

import av

from mmcore.errors import MediaError
from mmcore.media.container import BROKEN_OFF
from mmcore.media.limits import OUT_OF_MEMORY, heartbeat


def packets(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """The packets of some streams from the container's place on, without PyAV's empty last ones.

    Where the container breaks, FFmpeg's error (``av.FFmpegError``) comes out; memory that runs
    out is MediaError ``out-of-memory``.
    """
    left = True
    while left:
        left = False
        try:
            for packet in container.demux(streams):
                heartbeat.get()()
                if packet.size:
                    yield packet
        except MemoryError as error:  # first: FFmpeg's is one of its own errors too
            raise out_of_memory(error) from error
        except IndexError:
            left = True  # PyAV 18.1 knows no stream that appears late: its packet is left out


def told(error: av.FFmpegError) -> str:
    """FFmpeg's error in one line."""
    if error.errno == errno.EIO:
        return BROKEN_OFF
    return f"{type(error).__name__}: {error.strerror}"


def out_of_memory(error: MemoryError) -> MediaError:
    """What a decoder's lack of memory is to a content."""
    return MediaError("video", OUT_OF_MEMORY, str(error))
