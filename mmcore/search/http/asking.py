"""What is asked over HTTP → a request: no path of this machine is ever taken from outside."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self

from fastapi import Query
from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from mmcore.search.asking.unwanted import ITEM_AWAY, TEXT_AWAY
from mmcore.search.http.invalid import invalid
from mmcore.search.http.problems import ProblemError
from mmcore.search.notes import Note
from mmcore.search.request import How, Part, SearchRequest, check_one_of
from mmcore.specs import Spec
from storage.schemas import Modality

K: Final = 20
_TEXT: Final = 10_000  # characters of a text that is asked with
_TEXTS: Final = 24_000  # characters of all texts of one search
_NUMBERS: Final = 16_384  # of a vector
_ID: Final = re.compile("[0-9]{1,19}")

_NOTHING: Final = (
    "say what to look for: q, item or segment",
    "请说明要找什么：q、item 或 segment",
)


def _digits(said: object) -> object:
    """A text of digits alone: pydantic takes ``-0``, ``1_000`` and ``7.0`` for numbers as well."""
    if isinstance(said, str) and not _ID.fullmatch(said):
        raise ValueError(Note("fault-whole"))
    return int(said) if isinstance(said, str) else said


def _no_bool(said: object, fault: str) -> object:
    """Numbers, of which none is true or false: pydantic takes those of JSON for 1 and 0."""
    if any(isinstance(one, bool) for one in (said if isinstance(said, list) else [said])):
        raise ValueError(Note(fault))
    return said


IdText = Annotated[
    int,
    BeforeValidator(_digits),
    Field(ge=0, lt=2**63, strict=True),
    WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$", "examples": ["4242"]}),
]
"""An id; a text, since JavaScript's numbers are exact to 2^53 only."""

Text = Annotated[str, Field(min_length=1, max_length=_TEXT)]
Typed = Annotated[
    str, Query(max_length=_TEXT, description="as it was typed", examples=["animal -sheep"])
]
PartWeight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
AwayWeight = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class Sized(How):
    """How it is searched over HTTP."""

    k: int = Field(default=K, ge=1, le=1000, description="answers")

    @field_validator("k", "offset", mode="before")
    @classmethod
    def _whole(cls, said: object) -> object:
        return _no_bool(said, "fault-whole")

    @field_validator("words", "diversity", mode="before")
    @classmethod
    def _a_number(cls, said: object) -> object:
        return _no_bool(said, "fault-number")

    def how(self) -> dict[str, Any]:
        """As fields of a request."""
        return self.model_dump(include=set(How.model_fields))


class Options(Sized):
    """The same in a query string."""

    modality: list[Modality] = Field(
        default=[], max_length=4, description="search the segments of these; none: whole items"
    )
    without: list[Text] = Field(default=[], max_length=10, description="what is not wanted")
    without_weight: AwayWeight = Field(
        default=1.0, description="how much what is not wanted counts: 1 as usual, 2 twice that"
    )

    def options(self) -> dict[str, Any]:
        """As fields of a request."""
        return {**self.how(), "modalities": tuple(self.modality)}

    def unwanted(self) -> list[dict[str, Any]]:
        """The texts that are not wanted, as fields of parts."""
        weight = -TEXT_AWAY * self.without_weight
        return [{"text": one, "weight": weight} for one in self.without]


class SearchParams(Options):
    """A search by text, or by what is like an item or a segment, in the query string."""

    q: Text | None = Field(
        default=None, description="in Chinese or English", examples=["a red wall"]
    )
    item: list[IdText] = Field(default=[], max_length=20, description="items: what is like them")
    segment: list[IdText] = Field(default=[], max_length=20, description="segments of the lake")
    without_item: list[IdText] = Field(
        default=[],
        max_length=20,
        description="items: not like them; each counts half of what a text does",
    )

    def parts(self) -> list[dict[str, Any]]:
        """What is asked with, as fields of parts."""
        away = -ITEM_AWAY * self.without_weight
        return [
            *([{"text": self.q}] if self.q else []),
            *({"item": one} for one in self.item),
            *({"segment": one} for one in self.segment),
            *self.unwanted(),
            *({"item": one, "weight": away} for one in self.without_item),
        ]


class Similar(Options):
    """What is like an item of the lake."""


class Uploaded(SearchParams):
    """A search by a file, which is the body; further parts may go with it."""

    as_: Modality | None = Field(
        default=None, alias="as", description="ask with that side of the file: a video's audio"
    )
    weight: PartWeight = Field(default=1.0, description="of the file; below 0: without that")


class PartBody(Spec):
    """One thing that is asked with; exactly one of text, item, segment and vector."""

    text: Text | None = Field(default=None, description="in Chinese or English")
    item: IdText | None = Field(default=None, description="an item of the lake: what is like it")
    segment: IdText | None = Field(default=None, description="a segment of the lake")
    vector: list[Annotated[float, Field(allow_inf_nan=False)]] | None = Field(
        default=None, min_length=1, max_length=_NUMBERS, description="in the space searched"
    )
    weight: PartWeight = Field(
        default=1.0, description="how much it counts; below 0: without that"
    )

    @field_validator("weight", "vector", mode="before")
    @classmethod
    def _a_number(cls, said: object) -> object:
        return _no_bool(said, "fault-number")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        check_one_of(self, ("text", "item", "segment", "vector"))
        part_of(self.model_dump(exclude_none=True))
        return self


class SearchBody(Sized):
    """A search, as JSON."""

    parts: list[PartBody] = Field(
        min_length=1,
        max_length=50,
        examples=[[{"text": "a red wall"}, {"text": "snow", "weight": -0.5}]],
    )
    modalities: list[Modality] = Field(
        default=[], max_length=4, description="search the segments of these; none: whole items"
    )

    @field_validator("collapse", mode="before")
    @classmethod
    def _true_or_false(cls, said: object) -> object:
        if said is not True and said is not False:  # pydantic takes 1, "yes" and more for true
            raise ValueError(Note("fault-bool"))
        return said

    def request(self) -> SearchRequest:
        """As a request."""
        parts = [part.model_dump(exclude_none=True) for part in self.parts]
        return request_of_fields(parts, {**self.how(), "modalities": tuple(self.modalities)})


def part_of(told: dict[str, Any]) -> Part:
    """A part out of its fields."""
    return Part.model_validate(told)


def request_of_fields(parts: list[dict[str, Any]], options: dict[str, Any]) -> SearchRequest:
    """A request out of its fields; a problem 422 says what cannot be."""
    if not parts:
        raise ProblemError("invalid", _NOTHING[0], _NOTHING[1])
    count = sum(len(part["text"]) for part in parts if "text" in part)
    if count > _TEXTS:
        raise ProblemError(
            "bad-query",
            f"the texts have {count:,} characters together, of {_TEXTS:,} that one search may",
            f"各段文本共 {count:,} 个字符，超过一次搜索的上限 {_TEXTS:,}",
        )
    try:
        return SearchRequest.model_validate({"parts": parts, **options})
    except ValidationError as error:
        raise invalid(error.errors()) from error
