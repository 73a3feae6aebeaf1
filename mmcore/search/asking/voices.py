"""The texts and files of searches → vectors: each encoded once a space, texts together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.encoders.base import SharesCores
from mmcore.errors import ConfigError
from mmcore.media.texts.language import detect_language
from mmcore.search.asking.queries import Asker
from mmcore.search.notes import Note
from mmcore.search.recent import Recent
from mmcore.search.request import Part
from mmcore.types import Vectors
from storage.schemas import Modality

MOST_OF_ALL: Final = 60  # chunks of all texts of one search


@dataclass(slots=True)
class Voices:
    """What the parts of some searches say, for as long as those take; of one thread.

    ``encoding`` is held while a model works that takes all cores: two at once would only fight.
    ``known`` are vectors of texts, by space too, that were asked before: for another page, or with
    other conditions, the same text is asked again.
    """

    asker: Asker
    encoding: threading.Lock
    known: Recent[tuple[str, str], Vectors]
    kinds: dict[tuple[str, Modality | None], Modality] = field(default_factory=dict)
    chunks: dict[str, list[str]] = field(default_factory=dict)  # by text
    waiting: set[tuple[str, str]] = field(default_factory=set)  # texts, and in which space
    said: dict[tuple[str, str], Vectors] = field(default_factory=dict)
    seen: dict[tuple[str, Modality | None, str], Vectors] = field(default_factory=dict)

    def kind(self, part: Part) -> Modality | None:
        """What a part asks as; None where it is a vector already, or lies in the lake.

        Nothing is decoded or encoded. ConfigError for a file that cannot be asked with.
        """
        if part.media is None:
            return None if part.text is None else Modality.TEXT
        name = part.media, part.media_modality
        if name not in self.kinds:
            self.kinds[name] = self.asker.kind(Path(part.media), part.media_modality)
        return self.kinds[name]

    def check(self, part: Part) -> None:
        """ConfigError for a text or a file that nothing can be asked with."""
        if part.text is not None and part.text not in self.chunks:
            self.chunks[part.text] = self.asker.cut(part.text)
        self.kind(part)

    def check_all(self, parts: Sequence[Part]) -> None:
        """The same of all parts of one search; ConfigError too where their texts are too much."""
        for part in parts:
            self.check(part)
        texts = {part.text for part in parts if part.text is not None}
        count = sum(len(self.chunks[text]) for text in texts)
        if count > MOST_OF_ALL:
            raise ConfigError(
                Note("texts-too-long", texts=len(texts), passages=count, most=MOST_OF_ALL)
            )

    def expect(self, part: Part, space: str) -> None:
        """Say that a part will be asked in a space: its text is encoded with all that wait."""
        if part.text is not None and (part.text, space) not in self.said:
            self.check(part)
            self.waiting.add((part.text, space))

    def vector(self, part: Part, space: str) -> Vectors:
        """The unit vector (d,) of a text or a file in ``space``."""
        if part.text is not None:
            if (part.text, space) not in self.said:
                self.expect(part, space)
                self._encode(space)
            return self.said[part.text, space]
        name = part.media or "", part.media_modality, space
        if name not in self.seen:
            with self.encoding:
                asked = self.asker.media(Path(name[0]), part.media_modality, space)
            self.seen[name] = asked.vector
        return self.seen[name]

    def _encode(self, space: str) -> None:
        """All texts that wait for ``space``."""
        mine = sorted(text for text, of in self.waiting if of == space)
        self.waiting -= {(text, space) for text in mine}
        self.said |= self.known.found((text, space) for text in mine)
        new = [text for text in mine if (text, space) not in self.said]
        if not new:
            return
        languages = [detect_language(text) for text in new]
        with self._turn(space):
            vectors = self.asker.texts([self.chunks[text] for text in new], languages, space)
        rows = (vector.copy() for vector in vectors)  # a view would keep those of all texts
        made = {(text, space): row for text, row in zip(new, rows, strict=True)}
        self.said |= made
        self.known.keep(made)

    def _turn(self, space: str) -> AbstractContextManager[object]:
        encoder = self.asker.encoder(Modality.TEXT, space)
        return nullcontext() if isinstance(encoder, SharesCores) else self.encoding
