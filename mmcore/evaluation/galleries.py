"""What can be looked for, by side, and what leaves one query's gallery: its own content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmcore.errors import EvaluationError
from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.fused import FusedGallery
from mmcore.evaluation.queries import Question, medium, text_side
from mmcore.evaluation.ranking import Gallery, Overrides
from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.rows import Rows
from mmcore.types import Vectors
from storage.manifest import Manifest
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot


class Galleries:
    """The galleries of one snapshot by side, each made once; ``fused`` is a side of its own."""

    def __init__(self, snapshot: Snapshot, rows: Mapping[Modality, Rows]) -> None:
        """``rows`` in the spaces they are searched in."""
        self._manifest = snapshot.manifest
        self._rows = rows
        self._made: dict[str, Gallery] = {}
        self._fused = fused_gallery(snapshot, rows)

    @property
    def has_fused(self) -> bool:
        """Whether there are fused vectors."""
        return self._fused is not None

    def space(self, side: str) -> str:
        """The space in which ``side`` is found; "" where there is none."""
        return space_of(self._manifest, side)

    def of(self, side: str) -> Gallery:
        """The gallery of one side: a medium, the texts of one language, or the fused vectors."""
        if side == FUSED and self._fused is not None:
            return self._fused.gallery
        if side not in self._made:
            self._made[side] = segment_gallery(self._rows[medium(side)], side)
        return self._made[side]

    def without_own(self, side: str, questions: Sequence[Question], vectors: Vectors) -> Overrides:
        """What changes in each question's gallery, since its own content is not there."""
        if side == FUSED and self._fused is not None:
            return self._fused.without_own(questions, vectors)
        return without_own(self.of(side), questions)


def segment_gallery(rows: Rows, side: str) -> Gallery:
    """The rows of one side: all of a medium, or the texts of one language."""
    if side.startswith("text:"):
        mine = np.array([text_side(language) == side for language in rows.languages], dtype=bool)
        rows = rows.take(mine)
    return Gallery.of(rows.item_ids, contents_of(rows), rows.vectors)


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


def space_of(manifest: Manifest, side: str) -> str:
    """The space in which ``side`` is found; "" where there is none."""
    if side == FUSED:
        return manifest.fusion.space if manifest.fusion else ""
    encoder = manifest.encoder(medium(side))
    if encoder is None:
        return ""
    joined = manifest.projection is not None and manifest.joins(encoder)
    return manifest.projection.space if manifest.projection and joined else encoder.space


def fused_gallery(snapshot: Snapshot, rows: Mapping[Modality, Rows]) -> FusedGallery | None:
    """The fused vectors, with the rows and the fusion that made them; None where there are none.

    Raises EvaluationError where this installation fuses otherwise.
    """
    manifest = snapshot.manifest
    if manifest.fusion is None:
        return None
    spec = FusionSpec.model_validate(manifest.specs.get("fusion", {"name": manifest.fusion.name}))
    fusion = fusion_of(spec)
    if fusion.fingerprint != manifest.fusion.fingerprint:
        raise EvaluationError(
            f"the fused vectors were made by {manifest.fusion.name} {manifest.fusion.fingerprint},"
            f" here is {spec.name} {fusion.fingerprint}: index again, then they are made anew"
        )
    fused = snapshot.fused()
    if fused is None or not len(fused[0]):
        return None
    space = manifest.fusion.space
    made_of = {m: of for m, of in rows.items() if space_of(manifest, m) == space}
    return FusedGallery(fused[0], fused[1], made_of, fusion)
