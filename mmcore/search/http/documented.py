"""The OpenAPI description, with our problems in it; and the same as a plain page of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from mmcore.search.http.shapes.problems import FaultShape, ProblemShape

ABOUT: Final = (
    "Search a lake of pictures, texts, sounds and videos. Ids are texts, since JavaScript's"
    " numbers are exact to 2^53 only. An answer is of one snapshot, which it names. What goes"
    " wrong is a problem of RFC 9457, in Chinese or English by Accept-Language."
)
_PLACE: Final = "#/components/schemas/{model}"
_LINE: Final = "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>"


def describing(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What makes the app's OpenAPI description, once."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=ABOUT, routes=app.routes
            )
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for shape in (ProblemShape, FaultShape):
                told = shape.model_json_schema(ref_template=_PLACE, mode="validation")
                told.pop("$defs", None)
                schemas[shape.__name__] = told
            _secured(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    return described


def _secured(schema: dict[str, Any]) -> None:
    """Say that a token may be needed."""
    bearer = {"type": "http", "scheme": "bearer", "description": "where the server has a token"}
    schema["components"]["securitySchemes"] = {"token": bearer}
    schema["security"] = [{"token": []}, {}]


def page(schema: Mapping[str, Any]) -> str:
    """The description for people: a table for each route. All of it is escaped."""
    parts = "".join(_routes(schema))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(schema['info']['title'])}</title>"
        '<link rel="stylesheet" href="/pages/style.css"></head><body class="docs"><main>'
        f"<h1>{escape(schema['info']['title'])}</h1><p>{escape(ABOUT)}</p>"
        '<p><a href="/openapi.json">openapi.json</a> · <a href="/">/</a></p>'
        f"{parts}</main></body></html>"
    )


def _routes(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(' '.join(told.get('description', '').split()))}</p>"
            lines = [_parameter(one) for one in told.get("parameters", ())]
            lines += [
                _LINE.format(escape(str(status)), "", escape(one.get("description", "")))
                for status, one in told["responses"].items()
            ]
            yield f"<table>{''.join(lines)}</table>"


def _parameter(told: Mapping[str, Any]) -> str:
    schema = told.get("schema", {})
    about = told.get("description") or schema.get("description") or ""
    needed = "needed" if told.get("required") else ""
    return _LINE.format(escape(told["name"]), needed, escape(about))
