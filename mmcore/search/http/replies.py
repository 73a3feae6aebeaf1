"""What routes have in common: answers as JSON, and the problems that they may tell."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response

from mmcore.search.http.problems import KINDS, TYPE
from mmcore.search.http.shapes.base import Shape

Responses = dict[int | str, dict[str, Any]]

_SCHEMA: Final = {"schema": {"$ref": "#/components/schemas/ProblemShape"}}
_USUAL: Final = (
    "unauthorized",
    "forbidden-host",
    "forbidden-origin",
    "invalid",
    "too-many-requests",
    "busy",
)


def told(shape: Shape) -> Response:
    """An answer as JSON."""
    return Response(shape.model_dump_json(), media_type="application/json")


def problems(*codes: str) -> Responses:
    """The problems of a route, for its documentation: those of all, and ``codes``."""
    found: Responses = {}
    for code in (*codes, *_USUAL):
        kind = KINDS[code]
        about = found.setdefault(kind.status, {"description": kind.en, "content": {TYPE: _SCHEMA}})
        if kind.en not in about["description"]:
            about["description"] += f"; {kind.en.lower()}"
    return found


def binary(about: str, *types: str) -> Responses:
    """A route that answers with bytes."""
    content = {one: {"schema": {"type": "string", "format": "binary"}} for one in types}
    return {200: {"description": about, "content": content}}
