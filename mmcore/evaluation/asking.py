"""Questions as vectors: what a user's query would be, from what the lake holds of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.queries import Question, medium
from mmcore.search.queries import Asker
from mmcore.training.dataset import lake_rows
from mmcore.types import Vectors
from storage.schemas import Modality
from storage.snapshot import Snapshot


class QuestionVectors:
    """The vectors of questions, each made once.

    A text goes through the encoder's query side; another medium is the mean of its cells, as its
    file would be when a user asks with it.
    """

    def __init__(self, snapshot: Snapshot, asker: Asker) -> None:
        self._snapshot, self._asker = snapshot, asker
        self._cells: dict[tuple[Modality, str], Vectors] = {}
        self._made: dict[tuple[str, str], Vectors] = {}  # (side, content) → (d,)

    def space(self, side: str) -> str:
        """The space in which ``side`` asks."""
        return self._asker.space(medium(side))

    def prepare(self, questions: Sequence[Question]) -> None:
        """Read the cells that these questions, all of one side, will need; texts need none."""
        if not questions or (modality := medium(questions[0].side)) == Modality.TEXT:
            return
        items = np.unique(np.concatenate([question.items for question in questions]))
        rows = lake_rows(self._snapshot, modality, space="own", items=items)
        by_content = ByContent.of(contents_of(rows))
        for question in questions:
            places = by_content.rows(question.content_id)
            self._cells[modality, question.content_id] = rows.vectors[places]

    def of(self, question: Question) -> Vectors:
        """(d,) unit length; a question of a medium must have been prepared."""
        key = (question.side, question.content_id)
        if key not in self._made:
            if question.chunks:
                asked = self._asker.chunks(question.chunks, question.language)
            else:
                modality = medium(question.side)
                asked = self._asker.cells(modality, self._cells[modality, question.content_id])
            self._made[key] = asked.vector
        return self._made[key]
