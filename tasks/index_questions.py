"""Real queries that a candidate's indexes are measured with. Loads no Prefect."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmcore.encoders.presets import encoders_of, of_a_lake
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.queries import Question, medium, text_side
from mmcore.search.asking.queries import MOST_CHUNKS, Asker
from mmcore.search.opened.models import published_fusion
from mmcore.specs import FitSpec
from mmcore.training.dataset.lake import bare_rows
from mmcore.training.rows import Rows
from mmcore.training.split import held_out
from mmcore.types import Vectors
from storage.indexes.questions import ENOUGH, Questions, joined, shares
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot
from tasks.projections import load_projection
from tasks.workplace import Workplace


class IndexQuestions:
    """What other media, and texts by language, ask the indexes of one candidate with.

    Nothing is read before the first index asks. Held-out captions, and the media that have one,
    come first: nothing was fitted on them. Where there are fewer than ``most``, others follow.
    """

    def __init__(self, snapshot: Snapshot, work: Workplace, most: int) -> None:
        """``most``: queries of one index at most."""
        self._snapshot, self._work, self._most = snapshot, work, most

    def of(self, name: str, space: str) -> Questions | None:
        """Queries for the index of a modality, or of the items ("fused"), in ``space``.

        At most ``most`` in all, as many of each side as there are or fit. None where nothing else
        than what the index holds can be asked with, or hardly anything. Fused vectors are asked
        for by all media of the space that is fused; those of one medium are made of the very
        vectors that could ask, so there nothing else does.
        """
        fused = name == FUSED
        asked_in = self._snapshot.manifest.fused_of if fused else space
        sides = [s for s in self._contents if fused or medium(s) != name]
        sides = [s for s in sides if asked_in in self._snapshot.spaces(medium(s))]
        if fused and len({medium(side) for side in sides}) == 1:
            return None
        able = [s for s in sides if self._vectors.can_ask(s, asked_in)]
        taken = shares({side: len(self._contents[side]) for side in able}, self._most)
        made = {
            side.replace(":", " "): self._made(side, self._contents[side][:share], asked_in)
            for side, share in taken.items()
            if share
        }
        if sum(map(len, made.values())) < ENOUGH:
            return None
        if fused and (fusion := published_fusion(self._snapshot)) is not None:
            made = {kind: fusion.ask(vectors) for kind, vectors in made.items()}
        return joined(made)

    def _made(self, side: str, contents: Sequence[str], space: str) -> Vectors:
        """The vectors of contents of one side, as their queries would be: (n, d)."""
        questions = self._questions(side, contents)
        self._vectors.prepare(questions, space)
        return np.stack([self._vectors.of(one, space) for one in questions])

    def _questions(self, side: str, contents: Sequence[str]) -> list[Question]:
        if medium(side) == Modality.TEXT:
            return _text_questions(self._texts, side, contents)
        rows = self._snapshot.rows(f"segments/{side}", ["item_id", "content_id"])
        rows = rows.filter(pc.is_in(rows["content_id"], pa.array(contents, pa.string())))
        items: dict[str, set[int]] = {content: set() for content in contents}
        for row in rows.to_pylist():
            items[row["content_id"]].add(row["item_id"])
        return [_question(side, content, items[content]) for content in contents]

    @cached_property
    def _contents(self) -> Mapping[str, Sequence[str]]:
        """Side (``text:zh``, ``image``) → contents to ask with, held-out ones first, by hash."""
        found: dict[str, Sequence[str]] = {}
        texts, held = self._texts, self._held
        sides = np.array([text_side(language) for language in texts.languages], dtype=str)
        for side in np.unique(sides).tolist():
            mine = np.flatnonzero(sides == side).tolist()
            first = {texts.content_ids[row] for row in mine if held[row]}
            others = {texts.content_ids[row] for row in mine} - first
            found[side] = self._chosen(first, others)
        items = pa.array(np.unique(texts.item_ids[held]))
        for modality in MODALITIES:
            if modality != Modality.TEXT and self._snapshot.manifest.paths(f"segments/{modality}"):
                found[str(modality)] = self._media(modality, items)
        return found

    def _media(self, modality: Modality, items: pa.Array) -> Sequence[str]:
        """Contents of a medium, first those of ``items``."""
        rows = self._snapshot.rows(f"segments/{modality}", ["item_id", "content_id"])
        every = set(pc.unique(rows["content_id"]).to_pylist())
        mine = rows.filter(pc.is_in(rows["item_id"], items))
        first = set(pc.unique(mine["content_id"]).to_pylist())
        return self._chosen(first, every - first)

    def _chosen(self, first: set[str], others: set[str]) -> Sequence[str]:
        """At most ``most`` contents, the smallest ids of each: a choice by hash."""
        found = heapq.nsmallest(self._most, first)
        return (*found, *heapq.nsmallest(self._most - len(found), others))

    @cached_property
    def _texts(self) -> Rows:
        """The captions of the candidate, without vectors."""
        snapshot = self._snapshot
        if not snapshot.manifest.paths(f"segments/{Modality.TEXT}"):
            return Rows.empty(0)
        return bare_rows(snapshot, Modality.TEXT).captions()

    @cached_property
    def _held(self) -> NDArray[np.bool_]:
        """(n,) which of the captions are held out."""
        told = self._snapshot.manifest.specs.get("fit", {})
        return held_out(self._texts, FitSpec.model_validate(told).held_out)

    @cached_property
    def _vectors(self) -> QuestionVectors:
        manifest, work = self._snapshot.manifest, self._work
        made = encoders_of(work.preset, work.segmentation, of_a_lake(work.runtime))
        return QuestionVectors(
            self._snapshot, Asker(manifest, made, load_projection(manifest, work))
        )


def _question(side: str, content: str, items: Collection[int], **of: Any) -> Question:
    """A content as a question that nothing is hidden from: what an index holds is to be found."""
    told = {"chunks": (), "language": None, **of}
    where = np.array(sorted(items), dtype=np.int64)
    own = int(where[0])
    return Question(content, side, hidden=frozenset(), items=where, right=(), group=own, **told)


def _text_questions(texts: Rows, side: str, contents: Sequence[str]) -> list[Question]:
    """The texts ``contents``, each with its chunks in order."""
    wanted = set(contents)
    mine = [row for row, content in enumerate(texts.content_ids) if content in wanted]
    chunks: dict[str, dict[int, str]] = {content: {} for content in contents}
    items: dict[str, set[int]] = {content: set() for content in contents}
    language: dict[str, str | None] = {}
    for row in mine:
        content = texts.content_ids[row]
        chunks[content].setdefault(int(texts.segment_ids[row]), texts.texts[row] or "")
        items[content].add(int(texts.item_ids[row]))
        language[content] = texts.languages[row]
    return [
        _question(
            side,
            content,
            items[content],
            chunks=tuple(chunks[content].values())[:MOST_CHUNKS],
            language=language[content],
        )
        for content in contents
    ]
