"""The queries of a user's set as vectors: as a search would make them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmcore.errors import ConfigError
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.queries import text_side
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.clean import clean
from mmcore.search.asking.queries import MOST_CHUNKS, Asker
from mmcore.specs import SegmentationSpec
from mmcore.types import Vectors
from storage.querysets import media_of
from storage.schemas import Modality

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UserQuery:
    """One row of ``querysets.ASKED``."""

    query_id: str
    modality: Modality
    language: str | None
    text: str
    media: str  # content id; "" of a text

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> UserQuery:
        """What a row says."""
        told = row["text"] or "", row["media"] or ""
        return cls(row["query_id"], Modality(row["modality"]), row["language"], *told)

    @property
    def side(self) -> str:
        """What it asks as: ``text:zh``, ``image``."""
        return text_side(self.language) if self.modality == Modality.TEXT else str(self.modality)


class UserVectors:
    """Vectors of one set's queries; each is made once a space."""

    def __init__(self, vectors: QuestionVectors, name: str) -> None:
        self._layout, self._name = vectors.snapshot.layout, name
        told = vectors.snapshot.manifest.specs.get("segmentation", {})
        self._segmentation = SegmentationSpec.model_validate(told)
        self._asker = replace(vectors.asker, segmentation=self._segmentation)
        self._made: dict[tuple[str, str], Vectors | None] = {}

    @property
    def asker(self) -> Asker:
        """What makes vectors of texts and files, cut as those of the lake."""
        return self._asker

    def of(self, queries: Sequence[UserQuery], space: str) -> list[Vectors | None]:
        """(d,) of each query, all of one side; None where its file cannot be used."""
        new = [query for query in queries if (space, query.query_id) not in self._made]
        texts = [query for query in new if query.modality == Modality.TEXT]
        if texts:
            cut = [self._chunks(query.text) for query in texts]
            made = self._asker.texts(cut, [query.language for query in texts], space)
            for query, vector in zip(texts, made, strict=True):
                self._made[space, query.query_id] = vector
        for query in new:
            if query.modality != Modality.TEXT:
                self._made[space, query.query_id] = self._media(query, space)
        return [self._made[space, query.query_id] for query in queries]

    def _chunks(self, text: str) -> list[str]:
        cut = [chunk for _, chunk in chunks(clean(text), self._segmentation) if chunk.strip()]
        return cut[:MOST_CHUNKS] or [text]

    def _media(self, query: UserQuery, space: str) -> Vectors | None:
        self._asker.encoder(query.modality, space)  # one that is missing is no file's fault
        data = media_of(self._layout, self._name, query.media)
        with tempfile.TemporaryDirectory(prefix="mmindex-query-") as folder:
            path = Path(folder, query.media)
            path.write_bytes(data)
            try:
                return np.asarray(self._asker.media(path, query.modality, space).vector)
            except ConfigError as error:
                told = self._name, query.query_id, str(error).replace(f"{path} ", "its file ")
                log.warning("query set %s, query %s: %s; it finds nothing", *told)
                return None
