"""Whether the server answers, what it counts, and what it can be asked."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from mmcore.search.http.documented import page
from mmcore.search.http.guard.headers import PAGE_POLICY
from mmcore.search.http.replies import problems, told
from mmcore.search.http.serving import Here
from mmcore.search.http.shapes.lake import HealthShape

router = APIRouter(tags=["server"])

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", response_model=HealthShape, responses=problems("no-snapshot"))
def healthz(here: Here) -> Response:
    """Whether searches are answered, and from which snapshot; asked without a token."""
    number = here.served().number
    return told(HealthShape(status="ok", snapshot=number, version=version("mmindex")))


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
def metrics(here: Here) -> Response:
    """What the server counts, for Prometheus."""
    return Response(here.metrics.text(), media_type=_TEXT)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> Response:
    """All routes, as a page."""
    headers = {"content-security-policy": PAGE_POLICY}
    schema = request.app.openapi()
    return Response(page(schema), media_type="text/html; charset=utf-8", headers=headers)
