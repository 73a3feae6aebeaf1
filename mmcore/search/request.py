"""What is asked of a search, as data: Python, the command line and HTTP share it."""

from __future__ import annotations

import os
import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from mmcore.search.conditions.bounds import MOST_CHARS
from mmcore.search.notes import Note
from mmcore.specs import Spec
from storage.schemas import Modality

_HALF: Final = re.compile("[\ud800-\udfff]")
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Id = Annotated[int, Field(ge=0, lt=2**63)]
"""Of an item or a segment: no lake has another, and no array takes it."""


def check_one_of(part: Spec, names: tuple[str, ...]) -> None:
    """Raise ValueError unless exactly one of these fields has a value."""
    given = tuple(name for name in names if getattr(part, name) is not None)
    if len(given) != 1:
        raise ValueError(Note("one-thing", known=names, given=given or Note("none")))


class Part(Spec):
    """One thing that is asked with: a text, a file, a vector, an item or a segment of the lake."""

    text: str | None = Field(default=None, description="in Chinese or English")
    media: str | None = Field(
        default=None, description="a local file: picture, sound, video, text"
    )
    media_modality: Modality | None = Field(
        default=None, description="ask with that side of the file, as the sound of a video"
    )
    vector: tuple[float, ...] | None = Field(default=None, description="in the space searched")
    item: Id | None = Field(default=None, description="an item of the lake: what is like it")
    segment: Id | None = Field(default=None, description="a segment of the lake")
    weight: float = Field(
        default=1.0,
        ge=-10,
        le=10,
        allow_inf_nan=False,
        description="how much it counts; below 0: without that",
    )

    @field_validator("text")
    @classmethod
    def _of_characters(cls, text: str | None) -> str | None:
        """Half a pair is no character: no encoder takes it, nor does JSON."""
        if text is not None and _HALF.search(text):
            raise ValueError(Note("no-text-in-part"))
        return text

    @field_validator("media", mode="before")
    @classmethod
    def _as_text(cls, media: object) -> object:
        return os.fspath(media) if isinstance(media, os.PathLike) else media

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        check_one_of(self, ("text", "media", "vector", "item", "segment"))
        if not self.weight:
            raise ValueError(Note("no-weight"))
        return self


class How(Spec):
    """How it is searched, whatever with: the fields that all ways of asking share."""

    language: str | None = Field(
        default=None,
        max_length=20,
        description="only texts of this language: zh or en",
        examples=["zh"],
    )
    where: str | None = Field(
        default=None,
        max_length=MOST_CHARS,
        description="an SQL condition on items and files, as: label = 'trips' and size > 1e6",
        examples=["size > 1000000"],
    )
    words: Share | None = Field(
        default=None,
        description="share of the lexical score; 0: vectors alone, 1: words alone",
    )
    method: Literal["convex", "rrf"] = Field(
        default="convex", description="how several lists become one"
    )
    collapse: bool = Field(default=False, description="one answer for items that are nearly equal")
    diversity: Share = Field(
        default=0.0, description="of the ranking: 0 by likeness alone, up to 1 for variety (MMR)"
    )
    k: int = Field(default=10, ge=1, le=1000, description="answers")
    offset: NonNegativeInt = Field(default=0, le=10_000, description="answers to skip")


class SearchRequest(How):
    """One search."""

    parts: tuple[Part, ...] = Field(min_length=1, max_length=50)
    modalities: tuple[Modality, ...] = Field(
        default=(), description="search the segments of these media; none: whole items"
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not any(part.weight > 0 for part in self.parts):
            raise ValueError(Note("nothing-positive"))
        if self.language is not None and set(self.modalities) - {Modality.TEXT}:
            raise ValueError(Note("language-of-texts"))
        return self
