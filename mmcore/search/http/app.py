"""The application: its routes, what stands before them, and what becomes of errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmcore.search.following import Following
from mmcore.search.http.batching import BusyError
from mmcore.search.http.documented import describing
from mmcore.search.http.faults import invalid, no_json
from mmcore.search.http.limits import BODY_BYTES, Buckets, bounded, check_length, paced
from mmcore.search.http.methods import Heads, allowed
from mmcore.search.http.metrics import Counted
from mmcore.search.http.problems import ProblemError, busy, language_of, problem_of, response
from mmcore.search.http.routes import health, items, media, pages, search, snapshots
from mmcore.search.http.security import Gate, Headers, Names, Token
from mmcore.search.http.serving import Serving, Translated, in_english, opener
from mmcore.search.http.settings import Settings
from storage.schemas import MmindexError

log = logging.getLogger(__name__)

UPLOADS: Final = "/api/search/media"
"""The one path whose body may be a file."""

_PARTS: Final = (search, items, media, snapshots, health, pages)

_OF_STATUS: Final[Mapping[int, tuple[str, str, str]]] = {
    404: (
        "not-found",
        "there is nothing at this path: /docs lists all",
        "该路径没有内容：见 /docs",
    ),
    413: ("too-large", "the body is too long", "请求内容过长"),
    408: ("too-slow", "the body did not come in time", "请求内容未能及时送达"),
    405: (
        "method",
        "this path is not asked by that method: /docs",
        "该路径不支持此方法：见 /docs",
    ),
}


def app(
    settings: Settings, following: Following | None = None, *, why: Translated = in_english
) -> FastAPI:
    """The server of one lake, as an ASGI application; loads no weights yet.

    ``following`` in place of one that is opened on the settings' lake; ``why`` says in a language
    why a snapshot was not measured. NoLakeError where nothing is published.
    """
    known = following or Following.open(
        settings.lake, opener=opener(settings), every=settings.look
    )
    serving = Serving(settings, known, why)
    made = FastAPI(
        title="mmindex",
        version=version("mmindex"),
        lifespan=partial(_lifespan, serving),
        docs_url=None,
        redoc_url=None,
    )
    made.state.serving = serving
    secret = settings.token
    made.state.token = None if secret is None else Token(secret.get_secret_value())
    for part in _PARTS:
        made.include_router(part.router)
    made.openapi = describing(made)  # type: ignore[method-assign]
    _before(made, serving)
    _errors(made)
    return made


@asynccontextmanager
async def _lifespan(serving: Serving, _: FastAPI) -> AsyncIterator[None]:
    if serving.settings.warm:
        serving.warm()
    looking = asyncio.create_task(_looking(serving))
    try:
        yield
    finally:
        looking.cancel()
        await run_in_threadpool(serving.close)


async def _looking(serving: Serving) -> None:
    """Look now and then which snapshot serves, though nobody asks: one may have been erased."""
    while True:
        await asyncio.sleep(serving.settings.idle_look)
        with suppress(MmindexError):  # of a server that ends
            await run_in_threadpool(serving.served)


def _before(made: FastAPI, serving: Serving) -> None:
    """What a request passes before its route; the last one named comes first."""
    settings = serving.settings
    rate = settings.rate
    buckets = None if rate is None else Buckets(rate, settings.burst)
    names = Names(settings.hosts, settings.cors)
    made.add_middleware(Heads)
    made.add_middleware(Bounded, stall=settings.stall)
    made.add_middleware(Safe)
    made.add_middleware(Gate, token=made.state.token, names=names, buckets=buckets)
    if settings.cors:
        made.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["authorization", "content-type", "range", "accept-language"],
            expose_headers=["content-range", "retry-after", "etag"],
        )
    made.add_middleware(Headers)
    made.add_middleware(Counted, metrics=serving.metrics)


class Bounded:
    """Refuses a body that is too long for what is asked, or that does not come.

    A file's length has a limit of its own.
    """

    def __init__(self, app: ASGIApp, stall: float) -> None:
        self._app, self._stall = app, stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            receive = paced(receive, self._stall)
        if scope["type"] == "http" and scope["path"] != UPLOADS:
            length = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
            check_length(length, BODY_BYTES)
            receive = bounded(receive, BODY_BYTES)
        await self._app(scope, receive, send)


class Safe:
    """Makes a problem of every error that reaches it; one that is not ours is logged whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if began or scope["type"] != "http":
                raise
            problem = _problem(error)
            await response(problem, language_of(scope))(scope, receive, send)


def _problem(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, MmindexError):
        return problem_of(error)
    if isinstance(error, BusyError):
        return busy()
    log.error("a request failed", exc_info=error)
    return ProblemError(
        "internal", "the server could not do that; its log says why", "服务器未能完成；详见日志"
    )


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _errors(made: FastAPI) -> None:
    """What becomes of the errors of routes."""
    routes = [*made.routes, *(route for part in _PARTS for route in part.router.routes)]

    async def told(request: Request, error: Exception) -> Response:
        return response(_problem(error), language_of(request.scope))

    async def told_invalid(request: Request, error: Exception) -> Response:
        found: Any = error.errors() if isinstance(error, RequestValidationError) else ()
        untold = any(one["loc"] == ("body",) for one in found) and not _is_json(request)
        problem = no_json() if untold else invalid(found)
        return response(problem, language_of(request.scope))

    async def told_status(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        code, en, zh = _OF_STATUS.get(status, ("invalid", "it cannot be read", "无法读取"))
        headers = dict((error.headers or {}) if isinstance(error, HTTPException) else {})
        if code == "method":  # the router names those of the first route alone
            headers = {**headers, "Allow": allowed(routes, request.scope)}
        return response(ProblemError(code, en, zh, headers), language_of(request.scope))

    for kind in (ProblemError, MmindexError, BusyError):
        made.add_exception_handler(kind, told)
    made.add_exception_handler(RequestValidationError, told_invalid)
    made.add_exception_handler(HTTPException, told_status)
