"""Contents of a shard, one after the other: decoded, cut, shaped, and written to its files."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.decoders import READER, decoder_of
from mmcore.media.images.thumbnails import thumbnail
from mmcore.media.limits import (
    OUT_OF_MEMORY,
    check_segments,
    heartbeat,
    too_much_memory,
    unwatched,
)
from mmcore.media.outcomes import Outcome
from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.preparer import Preparer
from mmcore.media.segments import cut
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Rejection, Segment
from storage.schemas import MmindexError, Modality

UNEXPECTED: Final = "unexpected-error"
"""Reason of what no decoder should do: a fault of ours, which costs one file."""

_OF_THE_MACHINE: Final = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""Of an OSError that has nothing to do with the file."""

_OF_THE_DISK: Final = {
    errno.EIO,
    errno.ESTALE,
    errno.ENXIO,
    errno.ELOOP,
    errno.ETIMEDOUT,
}
"""Of one that another run may not meet; any other is of a senseless place in the file."""

PREPARE: Final = "prepare"
"""Stage of what the encoder refused, or could not shape."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """How the contents of a shard become arrays and thumbnails."""

    encoder: Preparer
    segmentation: SegmentationSpec
    limits: LimitsSpec
    reader: str = ""  # of text in media that are no text
    thumbnail_side: int = 0  # pixels of the longer side; 0: none are made
    memory_bound: bool = False  # in a process with a limit: what is out of memory is over it


@dataclass(frozen=True, slots=True)
class Shaper:
    """Writes to two open files: arrays, and thumbnails; one segment at a time is in memory.

    ``progress`` is called after each segment.
    """

    shaping: Shaping
    arrays: BinaryIO
    thumbnails: BinaryIO
    progress: Callable[[], None] = unwatched

    def add(self, content: Content) -> Outcome:
        """Shape one content, wholly or not at all; what cannot be used becomes rejections."""
        arrays, thumbnails = self.arrays.tell(), self.thumbnails.tell()
        heartbeat.set(self.progress)
        damages: list[Damage] = []
        segments: list[Segment] = []
        sizes: list[int] = []
        try:
            for piece in self._pieces(content):
                if isinstance(piece, Damage):
                    damages.append(piece)
                else:
                    check_segments(len(segments) + 1, self.shaping.limits)
                    sizes.append(self._write(piece))
                    segments.append(piece.segment(content, self.shaping.encoder.key.modality))
                self.progress()
        except MediaError as error:
            _cut_off(self.arrays, arrays)
            _cut_off(self.thumbnails, thumbnails)
            damages = [of_whole(self._told(error), self.shaping)]
            segments, sizes = [], []
        refused = tuple(rejected(content, damage, self.shaping.limits) for damage in damages)
        return Outcome(
            content.content_id,
            tuple(segments),
            refused,
            done=bool(segments) or all(r.decoder != READER for r in refused),
            arrays=self.arrays.tell(),
            thumbnails=tuple(sizes) if self.shaping.thumbnail_side else (),
        )

    def _told(self, error: MediaError) -> MediaError:
        if self.shaping.memory_bound and error.reason == OUT_OF_MEMORY:
            return too_much_memory(self.shaping.limits)
        return error

    def _pieces(self, content: Content) -> Pieces:
        """What is in a content that is still the one that was crawled."""
        _check_unchanged(content)
        shaping = self.shaping
        found = cut(content, shaping.encoder, shaping.segmentation, shaping.limits, shaping.reader)
        with closing(_reading(found, content.modality)) as pieces:
            yield from pieces
        _check_unchanged(content)

    def _write(self, piece: Piece) -> int:
        """Put the piece's array and thumbnail into the files; bytes of the thumbnail."""
        if self.shaping.encoder.shape is not None:
            self.arrays.write(self._shaped(piece.decoded).data)
        if not self.shaping.thumbnail_side or not isinstance(piece.decoded, Image.Image):
            return 0
        return self.thumbnails.write(thumbnail(piece.decoded, self.shaping.thumbnail_side))

    def _shaped(self, decoded: Any) -> NDArray[Any]:
        encoder = self.shaping.encoder
        with _preparing(encoder.key.name):
            array = np.ascontiguousarray(encoder.prepare(decoded))
        if array.shape != encoder.shape or array.dtype != np.dtype(encoder.dtype):
            raise ValueError(
                f"{encoder.key.name} prepared {array.dtype}{array.shape},"
                f" declared {encoder.dtype}{encoder.shape}"
            )
        return array


def of_whole(error: MediaError, shaping: Shaping) -> Damage:
    """The damage of a content that cannot be used; what only its reader cannot do is a part."""
    decoders = error.stage in set(Modality)  # the encoder of its modality meets it too
    return Damage(error, "self" if decoders else shaping.reader or "self")


def rejected(content: Content, damage: Damage, limits: LimitsSpec) -> Rejection:
    """The quarantine's row of a place in ``content``, or of it all."""
    error = damage.error
    whole = damage.span is None and damage.source == "self"
    return Rejection(
        content.root,
        content.path,
        content.content_id,
        error.stage,
        error.reason,
        error.message,
        decoder_of(content, error, limits),
        None if whole else damage.source,
        damage.span,
    )


def refused(content: Content, error: MediaError, shaping: Shaping, arrays: int) -> Outcome:
    """The outcome of a content that was not decoded at all; ``arrays`` bytes are before it."""
    rejection = rejected(content, of_whole(error, shaping), shaping.limits)
    done = rejection.decoder != READER
    return Outcome(content.content_id, (), (rejection,), done, arrays)


@contextmanager
def _preparing(name: str) -> Iterator[None]:
    """What an encoder cannot shape costs the file, unless the encoder cannot work at all."""
    try:
        yield
    except (MmindexError, OSError, ImportError):
        raise
    except MemoryError as error:
        raise MediaError(PREPARE, OUT_OF_MEMORY, "no memory to shape it") from error
    except Exception as error:
        why = " ".join(f"{name}: {type(error).__name__}: {error}".split())[:300]
        raise MediaError(PREPARE, "encoder-error", why) from error


def _cut_off(file: BinaryIO, size: int) -> None:
    file.seek(size)
    file.truncate()


def _reading(found: Pieces, modality: Modality) -> Generator[Piece | Damage]:
    """The pieces of a content; what can be no other content's fault is a MediaError."""
    try:
        yield from found
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise MediaError("read", "vanished", "the file is not there any more") from error
    except PermissionError as error:
        raise MediaError("read", "unreadable", "no permission to read the file") from error
    except (MmindexError, ImportError):
        raise
    except OSError as error:
        if error.errno in _OF_THE_MACHINE:
            raise
        if error.errno in _OF_THE_DISK:
            raise MediaError("read", "unreadable", error.strerror or str(error)) from error
        raise MediaError(str(modality), "decode-error", _place(error)) from error
    except Exception as error:
        raise MediaError(str(modality), UNEXPECTED, _place(error)) from error


def _place(error: Exception) -> str:
    """What happened, and where in our code or a library's."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return " ".join(f"{type(error).__name__}: {error} ({where})".split())[:300]


def _check_unchanged(content: Content) -> None:
    """Refuse a file that is another than was crawled: its vectors would bear the old id."""
    if content.text is not None:
        return
    try:
        status = Path(content.location).stat()
    except OSError:
        return  # reading says what is wrong
    if (status.st_size, status.st_mtime_ns) != (content.size, content.mtime_ns):
        raise MediaError("read", "changed", "the file has changed since it was crawled")
