"""What went wrong, as data (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from mmcore.search.http.shapes.base import Shape


class FaultShape(Shape):
    """One thing that is wrong with a request."""

    where: str = Field(examples=["query.k"])
    what: str


class ProblemShape(Shape):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["urn:mmindex:problem:not-found"])
    title: str
    status: int = Field(examples=[404])
    detail: str = Field(description="one line for people, zh or en by Accept-Language")
    code: str = Field(examples=["not-found"])
    errors: list[FaultShape] = Field(default=[])
