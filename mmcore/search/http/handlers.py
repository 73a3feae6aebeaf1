"""What becomes of the errors of an application: problems, in the language of who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmcore.search.http.batching import BusyError
from mmcore.search.http.errors import problem_of_any
from mmcore.search.http.guard.methods import allowed
from mmcore.search.http.invalid import invalid, no_json
from mmcore.search.http.problems import ProblemError, language_of, response
from storage.schemas import MmindexError

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
            problem = problem_of_any(error)
            await response(problem, language_of(scope))(scope, receive, send)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def tell_errors(made: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Tell the errors of an application's routes as problems; ``routes``: those it includes."""
    routes = [*made.routes, *routes]

    async def told_error(request: Request, error: Exception) -> Response:
        return response(problem_of_any(error), language_of(request.scope))

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
        made.add_exception_handler(kind, told_error)
    made.add_exception_handler(RequestValidationError, told_invalid)
    made.add_exception_handler(HTTPException, told_status)
