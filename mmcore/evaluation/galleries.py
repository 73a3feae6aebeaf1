"""What can be looked for, by side, and what leaves one query's gallery: its own content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from mmcore.errors import EvaluationError
from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.fused import FusedGallery
from mmcore.evaluation.queries import Question, medium, text_side
from mmcore.evaluation.ranking import Gallery, Overrides
from mmcore.evaluation.rounded import Places
from mmcore.search.opened.models import published_fusion
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.rows import Rows
from mmcore.types import Vectors
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot


class Galleries:
    """The galleries of one snapshot by side and space, each made once.

    ``fused`` is a side of its own. Texts have a gallery in each space that they are asked in.
    """

    def __init__(self, snapshot: Snapshot, rows: Mapping[Modality, Rows]) -> None:
        """``rows`` in the main spaces they are searched in; others are read when asked for."""
        self._snapshot = snapshot
        self._rows = {(m, snapshot.space(m)): of for m, of in rows.items()}
        self._made: dict[tuple[str, str], Gallery] = {}
        self._fused = fused_gallery(snapshot, rows)

    @property
    def fused(self) -> FusedGallery | None:
        """The fused vectors, if there are any."""
        return self._fused

    @property
    def has_fused(self) -> bool:
        """Whether there are fused vectors."""
        return self._fused is not None

    def spaces(self, side: str) -> tuple[str, ...]:
        """The spaces in which ``side`` can be asked for, the main one first.

        Fused vectors are asked for in the space that is fused (``asked``).
        """
        if side != FUSED:
            return self._snapshot.spaces(medium(side))
        return () if self._fused is None else (self._snapshot.manifest.fused_of,)

    def of(self, side: str, space: str) -> Gallery:
        """The gallery of one side: a medium, the texts of one language, or the fused vectors."""
        if side == FUSED and self._fused is not None:
            return self._fused.gallery
        if (side, space) not in self._made:
            rows = self.rows(medium(side), space)
            self._made[side, space] = segment_gallery(rows, side)
        return self._made[side, space]

    @property
    def apart(self) -> bool:
        """Whether fused vectors have a space of their own."""
        manifest = self._snapshot.manifest
        return manifest.fusion is not None and manifest.fusion.space != manifest.fused_of

    def asked(self, side: str, space: str, vectors: Vectors) -> tuple[str, Vectors]:
        """Queries (q, d) of ``space`` as the vectors of ``side`` are, and the space of these."""
        fusion = self._snapshot.manifest.fusion
        if side != FUSED or self._fused is None or fusion is None:
            return space, vectors
        return fusion.space, self._fused.fusion.ask(vectors)

    def rows(self, modality: Modality, space: str) -> Rows:
        """The segments of a medium with their vectors in a space that it is searched in."""
        if (modality, space) not in self._rows:
            found = lake_rows(self._snapshot, modality, space="shared", tower=space)
            self._rows[modality, space] = found
        return self._rows[modality, space]

    def without_own(
        self, side: str, space: str, questions: Sequence[Question], vectors: Vectors
    ) -> Overrides:
        """What changes in each question's gallery, since its own content is not there."""
        if side == FUSED and self._fused is not None:
            return self._fused.without_own(questions, vectors)
        return without_own(self.of(side, space), questions)


def segment_gallery(rows: Rows, side: str) -> Gallery:
    """The rows of one side: all of a medium, or the texts of one language."""
    if side.startswith("text:"):
        mine = np.array([text_side(language) == side for language in rows.languages], dtype=bool)
        rows = rows.take(mine)
    return Gallery.of(rows.item_ids, contents_of(rows), rows.vectors)


def gone_without(gallery: Gallery, by_content: ByContent, hidden: Collection[str]) -> Places:
    """Places of the items that have nothing but contents that are ``hidden``."""
    rows = [by_content.rows(content) for content in sorted(hidden)]
    hid = np.concatenate([np.zeros(0, dtype=np.int64), *rows])
    owners = np.searchsorted(gallery.starts, hid, side="right") - 1
    items, counts = np.unique(owners, return_counts=True)
    gone: Places = items[counts == gallery.starts[items + 1] - gallery.starts[items]]
    return gone


def without_own(gallery: Gallery, questions: Sequence[Question]) -> Overrides:
    """Rows of a question's own contents leave its gallery."""
    by_content = ByContent.of(gallery.contents)
    found = [
        (place, row)
        for place, question in enumerate(questions)
        for content in sorted(question.hidden)
        for row in by_content.rows(content).tolist()
    ]
    queries, rows = zip(*found, strict=True) if found else ((), ())
    return Overrides.of(queries, rows, np.full(len(rows), -np.inf))


def fused_gallery(snapshot: Snapshot, rows: Mapping[Modality, Rows]) -> FusedGallery | None:
    """The fused vectors, with the rows and the fusion that made them; None where there are none.

    Raises EvaluationError where this installation fuses otherwise.
    """
    manifest = snapshot.manifest
    if manifest.fusion is None:
        return None
    fusion = published_fusion(snapshot)
    if fusion is None or fusion.fingerprint != manifest.fusion.fingerprint:
        raise EvaluationError(
            f"the fused vectors were made by {manifest.fusion.name} {manifest.fusion.fingerprint},"
            f" here is {fusion.fingerprint if fusion else 'none'}: index again, then they are made"
            " anew"
        )
    fused = snapshot.fused()
    if fused is None or not len(fused[0]):
        return None
    made_of = {m: of for m, of in rows.items() if snapshot.space(m) == manifest.fused_of}
    return FusedGallery(fused[0], fused[1], made_of, fusion)
