"""What a file may cost, and how a decoder's failure becomes a rejection."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

from mmcore.errors import MediaError
from mmcore.specs import LimitsSpec

STAGE: Final = "limits"
"""Stage of every rejection that a higher limit would lift."""

OUT_OF_MEMORY: Final = "out-of-memory"
"""Reason of a rejection that is the machine's fault at the time: another run may do better."""

TOO_MUCH_MEMORY: Final = "too-much-memory"
"""Reason of a rejection of what needs more than a decoding process may have, on any machine."""

_BEAT: Final = 1024  # things of which each takes some microseconds

Thing = TypeVar("Thing")


def unwatched() -> None:
    """Nobody waits."""


heartbeat: Final[ContextVar[Callable[[], None]]] = ContextVar("heartbeat", default=unwatched)
"""Called by a decoder that works for long before its first segment: it does not hang."""


def beating(things: Iterable[Thing]) -> Iterator[Thing]:
    """``things`` as they are; the heart beats now and then while they are taken."""
    for count, thing in enumerate(things):
        if not count % _BEAT:
            heartbeat.get()()
        yield thing


def too_much_memory(limits: LimitsSpec) -> MediaError:
    """The error of a content that takes more memory than a decoding process may have."""
    most = f"more than the {limits.worker_bytes / 1e6:,.0f} MB of a decoding process"
    return MediaError(STAGE, TOO_MUCH_MEMORY, most)


def check_pages(count: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-many-pages`` for a document or a picture above ``max_pages``."""
    _check(count, limits.max_pages, "too-many-pages", "pages")


def check_nesting(depth: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-deep`` for what is nested above ``max_nesting``."""
    _check(depth, limits.max_nesting, "too-deep", "levels")


def _check(found: float, most: float, reason: str, unit: str) -> None:
    if found > most:
        raise MediaError(STAGE, reason, f"{found:g} {unit}, the limit is {most:g}")


def check_bytes(size: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-many-bytes`` for a file above ``max_bytes``."""
    _check(size, limits.max_bytes, "too-many-bytes", "bytes")


def check_text_bytes(size: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-many-bytes`` for a text above ``max_text_bytes``."""
    _check(size, limits.max_text_bytes, "too-many-bytes", "bytes of text")


def check_pixels(width: int, height: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-many-pixels`` for a picture or a frame above ``max_pixels``."""
    _check(width * height, limits.max_pixels, "too-many-pixels", "pixels")


def check_seconds(seconds: float, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-long`` for a sound or a video above ``max_seconds``."""
    _check(seconds, limits.max_seconds, "too-long", "seconds")


def check_segments(count: int, limits: LimitsSpec) -> None:
    """Raise MediaError ``too-many-segments`` for a content above ``max_segments``."""
    _check(count, limits.max_segments, "too-many-segments", "segments")


_OF_DECODERS: Final = (None, errno.EINVAL, errno.EOVERFLOW)
"""Of an OSError that a decoder raises itself, or makes the system raise by a senseless offset."""


@contextmanager
def decoding(stage: str, *decoder_errors: type[Exception]) -> Iterator[None]:
    """Turn whatever a decoder raises into MediaError ``decode-error``, or ``out-of-memory``.

    An OSError with an errno is the system's (reading failed, not decoding) and propagates, unless
    it is one of ``decoder_errors``: FFmpeg numbers its own.
    """
    try:
        yield
    except MediaError:
        raise
    except MemoryError as error:  # first: FFmpeg's is one of its own errors too
        raise MediaError(stage, OUT_OF_MEMORY, _line(error)) from error
    except decoder_errors as error:
        raise MediaError(stage, "decode-error", _line(error)) from error
    except OSError as error:
        if error.errno not in _OF_DECODERS:
            raise
        raise MediaError(stage, "decode-error", _line(error)) from error
    except Exception as error:  # decoders raise SyntaxError, ValueError, struct.error and more
        raise MediaError(stage, "decode-error", _line(error)) from error


def _line(error: BaseException) -> str:
    """The error's name and text as one bounded line that any file can hold."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text.encode("utf-8", "backslashreplace").decode()[:300]
