"""Questions as vectors: what a user's query would be, from what the lake holds of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmcore.encoders.base import AsksAsStored
from mmcore.evaluation.absent import AbsentEncoder
from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.queries import Question, medium
from mmcore.search.asking.queries import Asker
from mmcore.training.dataset.lake import lake_rows
from mmcore.types import Vectors
from storage.schemas import Modality
from storage.snapshot import Snapshot


class QuestionVectors:
    """The vectors of questions, each made once.

    A medium is the mean of its cells, as its file would be when a user asks with it. So is a text
    whose encoder embeds queries as it embeds what is stored; else it goes through the encoder's
    query side, which those of a private lake cannot: it keeps no texts.
    """

    def __init__(self, snapshot: Snapshot, asker: Asker) -> None:
        self._snapshot, self._asker = snapshot, asker
        self._made: dict[tuple[str, str, str], Vectors] = {}  # (space, side, content) → (d,)

    @property
    def snapshot(self) -> Snapshot:
        """Whose questions they are."""
        return self._snapshot

    @property
    def asker(self) -> Asker:
        """What makes vectors of any query."""
        return self._asker

    def spaces(self, side: str) -> tuple[str, ...]:
        """The spaces in which ``side`` can ask, the main one first."""
        return self._asker.spaces(medium(side))

    def can_ask(self, side: str, space: str) -> bool:
        """Whether the questions of ``side`` can be made vectors of ``space``."""
        if self._stored(medium(side), space):
            return True
        encoder = self._asker.encoder(medium(side), space)
        return not self._snapshot.manifest.private and not isinstance(encoder, AbsentEncoder)

    def prepare(self, questions: Sequence[Question], space: str) -> None:
        """Make the vectors of these questions, all of one side, that are not made yet."""
        wanted = {(space, question.side, question.content_id): question for question in questions}
        new = [question for key, question in wanted.items() if key not in self._made]
        if not new:
            return
        modality = medium(new[0].side)
        if self._stored(modality, space):
            vectors = self._from_cells(modality, new, space)
        else:
            chunks, languages = [q.chunks for q in new], [q.language for q in new]
            vectors = self._asker.texts(chunks, languages, space)
        for question, vector in zip(new, vectors, strict=True):
            self._made[space, question.side, question.content_id] = vector

    def of(self, question: Question, space: str) -> Vectors:
        """(d,) unit length; the question must have been prepared."""
        return self._made[space, question.side, question.content_id]

    def _stored(self, modality: Modality, space: str) -> bool:
        """Whether the vector of such a question is made of stored ones."""
        if modality != Modality.TEXT:
            return True
        encoder = self._asker.encoder(modality, space)
        return isinstance(encoder, AsksAsStored) and encoder.asks_as_stored

    def _from_cells(
        self, modality: Modality, questions: Sequence[Question], space: str
    ) -> Vectors:
        items = np.unique(np.concatenate([question.items for question in questions]))
        rows = lake_rows(self._snapshot, modality, space="own", items=items, tower=space)
        by_content = ByContent.of(contents_of(rows))
        cells = [rows.vectors[by_content.rows(question.content_id)] for question in questions]
        return self._asker.contents(modality, cells, [q.language for q in questions], space)
