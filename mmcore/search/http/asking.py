"""What is asked over HTTP → a request: no path of this machine is ever taken from outside."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, NonNegativeInt, ValidationError, WithJsonSchema, model_validator

from mmcore.search.http.faults import invalid
from mmcore.search.http.problems import ProblemError
from mmcore.search.request import Part, SearchRequest, Share
from mmcore.search.typed import AWAY
from mmcore.specs import Spec
from storage.schemas import Modality

K: Final = 20
_TEXT: Final = 10_000  # characters of a text that is asked with
_TEXTS: Final = 24_000  # characters of all texts of one search
_NUMBERS: Final = 16_384  # of a vector

_NOTHING: Final = (
    "say what to look for: q, item or segment",
    "请说明要查什么：q、item 或 segment",
)

Id = Annotated[
    int,
    Field(ge=0, lt=2**63),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["4242"]}),
]
"""An id; a text, since JavaScript's numbers are exact to 2^53 only."""

Text = Annotated[str, Field(min_length=1, max_length=_TEXT)]
Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]


class Options(Spec):
    """How it is searched."""

    modality: list[Modality] = Field(
        default=[], max_length=4, description="search the segments of these; none: whole items"
    )
    language: str | None = Field(
        default=None, max_length=20, description="only texts of this language", examples=["zh"]
    )
    where: str | None = Field(
        default=None,
        max_length=_TEXT,
        description="an SQL condition on items and files",
        examples=["size > 1000000"],
    )
    words: Share | None = Field(
        default=None, description="share of the lexical score; 0: vectors alone, 1: words alone"
    )
    method: Literal["convex", "rrf"] = Field(
        default="convex", description="how several lists become one"
    )
    collapse: bool = Field(default=False, description="one answer for items that are nearly equal")
    diversity: Share = Field(default=0.0, description="0 by likeness alone, up to 1 for variety")
    k: int = Field(default=K, ge=1, le=1000, description="answers")
    offset: NonNegativeInt = Field(default=0, le=10_000, description="answers to skip")

    def options(self) -> dict[str, Any]:
        """As fields of a request."""
        names = set(Options.model_fields) - {"modality"}
        return {**self.model_dump(include=names), "modalities": tuple(self.modality)}


class Asked(Options):
    """A search by text, or by what is like an item or a segment, in the query string."""

    q: Text | None = Field(
        default=None, description="in Chinese or English", examples=["a red wall"]
    )
    without: list[Text] = Field(default=[], max_length=10, description="what is not wanted")
    item: list[Id] = Field(default=[], max_length=20, description="items: what is like them")
    segment: list[Id] = Field(default=[], max_length=20, description="segments of the lake")
    without_item: list[Id] = Field(default=[], max_length=20, description="items: not like them")

    def parts(self) -> list[dict[str, Any]]:
        """What is asked with, as fields of parts."""
        return [
            *([{"text": self.q}] if self.q else []),
            *({"item": one} for one in self.item),
            *({"segment": one} for one in self.segment),
            *({"text": one, "weight": -AWAY} for one in self.without),
            *({"item": one, "weight": -0.5} for one in self.without_item),
        ]


class Similar(Options):
    """What is like an item of the lake."""

    without: list[Text] = Field(default=[], max_length=10, description="what is not wanted")


class Uploaded(Asked):
    """A search by a file, which is the body; further parts may go with it."""

    as_: Modality | None = Field(
        default=None, alias="as", description="ask with that side of the file: a video's audio"
    )
    weight: Weight = Field(default=1.0, description="of the file; below 0: without that")


class PartBody(Spec):
    """One thing that is asked with; exactly one of text, item, segment and vector."""

    text: Text | None = Field(default=None, description="in Chinese or English")
    item: Id | None = Field(default=None, description="an item of the lake: what is like it")
    segment: Id | None = Field(default=None, description="a segment of the lake")
    vector: list[Annotated[float, Field(allow_inf_nan=False)]] | None = Field(
        default=None, min_length=1, max_length=_NUMBERS, description="in the space searched"
    )
    weight: Weight = Field(default=1.0, description="how much it counts; below 0: without that")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        part_of(self.model_dump(exclude_none=True))
        return self


class SearchBody(Spec):
    """A search, as JSON."""

    parts: list[PartBody] = Field(
        min_length=1,
        max_length=50,
        examples=[[{"text": "a red wall"}, {"text": "snow", "weight": -0.5}]],
    )
    modalities: list[Modality] = Field(default=[], max_length=4)
    language: str | None = Field(default=None, max_length=20)
    where: str | None = Field(default=None, max_length=_TEXT)
    words: Share | None = None
    method: Literal["convex", "rrf"] = "convex"
    collapse: bool = False
    diversity: Share = 0.0
    k: int = Field(default=K, ge=1, le=1000)
    offset: NonNegativeInt = Field(default=0, le=10_000)

    def request(self) -> SearchRequest:
        """As a request."""
        return request_of(
            [part.model_dump(exclude_none=True) for part in self.parts],
            {**self.model_dump(exclude={"parts"}), "modalities": tuple(self.modalities)},
        )


def part_of(told: dict[str, Any]) -> Part:
    """A part out of its fields."""
    return Part.model_validate(told)


def request_of(parts: list[dict[str, Any]], options: dict[str, Any]) -> SearchRequest:
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
