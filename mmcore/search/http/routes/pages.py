"""The web page's files, and the form that takes a token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response

from mmcore.search.http.etags import is_known
from mmcore.search.http.guard.headers import PAGE_POLICY
from mmcore.search.http.guard.rates import client_of
from mmcore.search.http.guard.tokens import COOKIE, Token
from mmcore.search.http.problems import ProblemError, language_of, missing

router = APIRouter(include_in_schema=False)

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FORM_BYTES: Final = 10_000
_DAYS: Final = 30 * 86_400

Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.head("/")
@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return _file("index.html", request)


@router.head("/pages/{name}")
@router.get("/pages/{name}")
def page_file(name: str, request: Request) -> Response:
    """What the page is made of."""
    return _file(name, request)


def _file(name: str, request: Request) -> Response:
    """A file of the page: asked for each time, sent when it is another one."""
    kind = MEDIA_TYPES.get(name.rpartition(".")[2])
    place = files("mmcore.search.http").joinpath("pages", name)
    if kind is None or not _NAME.fullmatch(name) or not place.is_file():
        raise missing("the page has no such file", "页面没有该文件")
    found = place.read_bytes()
    etag = f'"{hashlib.sha256(found).hexdigest()[:32]}"'
    headers = {
        "etag": etag,
        "cache-control": "no-cache",
        "content-security-policy": PAGE_POLICY,
    }
    if is_known(request.headers.get("if-none-match"), etag):
        return Response(None, 304, headers)
    return Response(found, headers=headers, media_type=kind)


@router.get("/login")
def login(request: Request, place: Next = "/") -> Response:
    """The form that takes the token."""
    return _form(request, place, refused=False)


@router.post("/login")
async def logged_in(request: Request) -> Response:
    """Take the token, and keep a cookie in its place."""
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _FORM_BYTES:
            raise ProblemError("too-large", "the form is too long", "表单过长")
    try:
        told = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as error:
        raise ProblemError("invalid", "the form has too many fields", "表单字段过多") from error
    token: Token | None = request.app.state.token
    place = _here(told.get("next", ["/"])[0])
    if token is not None and not _fits(token, told, request):
        return _form(request, place, refused=True)
    answer = Response(None, 303, {"location": place, "cache-control": "no-store"})
    if token is not None:
        safe = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, token.session, max_age=_DAYS, httponly=True, samesite="strict", secure=safe
        )
    return answer


def _fits(token: Token, told: Mapping[str, list[str]], request: Request) -> bool:
    return token.fits(told.get("token", [""])[0].strip(), client_of(request.scope))


def _here(place: str) -> str:
    """A place on this server; any other is the page."""
    plain = place.isprintable() and place.isascii() and "\\" not in place
    return place if plain and place.startswith("/") and not place.startswith("//") else "/"


_WORDS: Final = {
    "en": ("This lake asks for a token", "Token", "Log in", "That is not the token."),
    "zh": ("访问此数据湖需要令牌", "令牌", "登录", "令牌不正确。"),
}


def _form(request: Request, place: str, *, refused: bool) -> Response:
    language = language_of(request.scope)
    title, label, button, wrong = _WORDS[language]
    line = f'<p role="alert">{wrong}</p>' if refused else ""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>mmindex</title><link rel="stylesheet" href="/pages/style.css"></head>'
        f'<body class="login"><main><h1>{title}</h1>{line}'
        '<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(_here(place))}">'
        f'<label>{label} <input type="password" name="token" required autofocus'
        ' autocomplete="current-password"></label>'
        f"<button>{button}</button></form></main></body></html>"
    )
    headers = {"content-security-policy": PAGE_POLICY}
    return Response(text, 401 if refused else 200, headers, "text/html; charset=utf-8")
