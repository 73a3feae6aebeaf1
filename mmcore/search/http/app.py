"""The application: its routes, and what stands before them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from mmcore.search.following import Following
from mmcore.search.http.documented import describing
from mmcore.search.http.guard.bodies import Bounded
from mmcore.search.http.guard.gate import Gate
from mmcore.search.http.guard.headers import Headers
from mmcore.search.http.guard.methods import Heads
from mmcore.search.http.guard.names import Names
from mmcore.search.http.guard.rates import Buckets
from mmcore.search.http.guard.tokens import Token
from mmcore.search.http.handlers import Safe, tell_errors
from mmcore.search.http.metrics import Counted
from mmcore.search.http.routes import health, items, media, pages, search, snapshots
from mmcore.search.http.served import opener
from mmcore.search.http.serving import Serving, Translated, in_english
from mmcore.search.http.settings import Settings
from storage.schemas import MmindexError

_PARTS: Final = (search, items, media, snapshots, health, pages)


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
    tell_errors(made, [route for part in _PARTS for route in part.router.routes])
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
