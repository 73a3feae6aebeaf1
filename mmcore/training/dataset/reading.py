"""Contents of a root, and its text files as captions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mmcore.errors import MediaError
from mmcore.media.fetch import local_contents
from mmcore.media.names import readable
from mmcore.media.texts.cut import texts_of
from mmcore.media.texts.language import detect_language
from mmcore.media.urls import is_remote
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.training.dataset.items import Caption, Text
from mmcore.training.split import key_of
from mmcore.types import Content

log = logging.getLogger(__name__)


@contextmanager
def local(content: Content) -> Iterator[Content]:
    """The content with a place on this machine; an object of a store is fetched for the while.

    Raises MediaError where the object has gone or changed, SourceError where a store refuses.
    """
    if not is_remote(content.location):
        yield content
        return
    with TemporaryDirectory(prefix="mmindex-") as folder:
        (found,) = local_contents([content], Path(folder))
        if isinstance(found, MediaError):
            raise found
        yield found


class TextReader:
    """Reads each text once, cut as a lake cuts it, so that keys are those of a lake."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str | None], Text | None] = {}
        self._segmentation, self._limits = SegmentationSpec(), LimitsSpec()
        self.unreadable: list[str] = []  # paths

    def read(self, content: Content, language: str | None) -> Text | None:
        """The text; None where it is empty or cannot be read, which is logged once."""
        wanted = content.content_id, language
        if wanted not in self._read:
            self._read[wanted] = self._text(content, language)
        return self._read[wanted]

    def _text(self, content: Content, language: str | None) -> Text | None:
        try:
            with local(content) as here:
                chunks = texts_of(here, self._segmentation, self._limits)
        except (MediaError, OSError) as error:
            self.unreadable.append(readable(content.path))
            log.warning("%s: left out, %s", readable(content.path), error)
            return None
        captions = (Caption(chunk, language or detect_language(chunk)) for chunk in chunks)
        return Text(key_of(" ".join(chunks)), tuple(captions)) if chunks else None
