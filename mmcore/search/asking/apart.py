"""Files that are asked with, decoded in worker processes, which they may end."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.decoding.apart import Apart
from mmcore.decoding.pool import Pool
from mmcore.encoders.base import Encoder
from mmcore.encoders.embed import USUAL
from mmcore.encoders.presets import of_a_lake, runtime_of
from mmcore.errors import ConfigError, MediaError
from mmcore.media.limits import check_bytes
from mmcore.media.outcomes import Outcome
from mmcore.media.prepared import ARRAYS, THUMBNAILS
from mmcore.media.shaping import Shaping
from mmcore.search.asking.queries import MOST_CHUNKS, Asked, Asker, read_content
from mmcore.search.folders import Folder
from mmcore.search.notes import Note
from mmcore.types import Content, Vectors
from storage.schemas import Modality

_POOL: Final = Pool(module="mmcore.search.asking.decoder")

atexit.register(_POOL.close)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a worker made of a file: arrays for an encoder, or texts."""

    encoder: Encoder
    arrays: NDArray[np.generic] | None = None  # (n, *shape)
    texts: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ApartAsker(Asker):
    """An asker that decodes no file in its own process.

    ``read`` decodes one, which takes its time, and keeps what came of it until ``forget``;
    ``media`` then encodes that.
    """

    workers: Pool = _POOL
    kept: dict[str, Read] = field(default_factory=dict)
    keeping: threading.Lock = field(default_factory=threading.Lock)

    def media(
        self, path: Path, modality: Modality | None = None, space: str | None = None
    ) -> Asked:
        """As an ``Asker``, of what ``read`` kept; a file that was not read yet is."""
        with self.keeping:
            found = self.kept.get(_name(path, modality))
        found = found or self.read(path, modality)
        if found.arrays is None:
            return self.chunks(found.texts, found.language, space)
        return self.cells(found.encoder.key.modality, _encoded(found))

    def read(self, path: Path, modality: Modality | None = None) -> Read:
        """Decode a file in a worker, and keep what comes of it.

        Raises MediaError for one that cannot be used, ConfigError for one that has nothing in it
        to ask with or that nothing can be asked with.
        """
        content = read_content(path)
        encoder = self.encoder(self.kind(path, modality))
        check_bytes(content.size, self.limits)
        found = self._decoded(_stamped(content, path), encoder)
        with self.keeping:
            self.kept[_name(path, modality)] = found
        return found

    def forget(self, path: Path, modality: Modality | None = None) -> None:
        """Keep nothing of that file any more."""
        with self.keeping:
            self.kept.pop(_name(path, modality), None)

    def _decoded(self, content: Content, encoder: Encoder) -> Read:
        runtime = runtime_of(self.manifest.preset, of_a_lake(self.runtime))
        shaping = Shaping(encoder, self.segmentation, self.limits)
        with Folder("query") as made:
            folder = made.path
            for file in (ARRAYS, THUMBNAILS):
                (folder / file).touch()
            (outcome,) = Apart(shaping, runtime, self.workers)([content], folder)
            _check(outcome, encoder)
            if encoder.shape is None:
                return _texts(outcome, encoder)
            arrays = np.fromfile(folder / ARRAYS, dtype=encoder.dtype)
        shape = (len(outcome.segments), *encoder.shape)
        return Read(encoder, arrays.reshape(shape))


def _name(path: Path, modality: Modality | None) -> str:
    return f"{modality or ''}:{path}"


def _stamped(content: Content, path: Path) -> Content:
    """The content as a worker wants it: with the time of the file that it checks."""
    return replace(content, content_id="query", mtime_ns=path.stat().st_mtime_ns)


def _check(outcome: Outcome, encoder: Encoder) -> None:
    """Raise for a file of which nothing can be used."""
    if outcome.segments:
        return
    if outcome.rejections:
        first = outcome.rejections[0]
        raise MediaError(first.stage, first.reason, first.message)
    raise ConfigError(Note("nothing-in-file", path=Note("the-file"), medium=encoder.key.modality))


def _texts(outcome: Outcome, encoder: Encoder) -> Read:
    """The passages of a text; ConfigError for one that is too long to mean one thing."""
    texts = tuple(segment.text for segment in outcome.segments if segment.text)
    if len(texts) > MOST_CHUNKS:
        raise ConfigError(Note("file-too-long", most=MOST_CHUNKS * 200))
    return Read(encoder, texts=texts, language=outcome.segments[0].language)


def _encoded(read: Read) -> Vectors:
    """The cells of a file: (n, dim)."""
    arrays = read.arrays if read.arrays is not None else np.empty(0)
    starts = range(0, len(arrays), USUAL)
    return np.concatenate([read.encoder.encode(arrays[i : i + USUAL]) for i in starts])
