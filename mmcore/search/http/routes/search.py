"""Searches: by text, by JSON, by a file, by an item of the lake."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mmcore.search.http.asking import Asked, Id, SearchBody, Similar, Uploaded, request_of
from mmcore.search.http.problems import ProblemError, busy, missing, problem_of
from mmcore.search.http.replies import problems, told
from mmcore.search.http.serving import Found, Here, Serving
from mmcore.search.http.shapes import AnswerShape
from mmcore.search.http.shown import answer_of
from mmcore.search.http.uploads import Upload, received
from mmcore.search.request import SearchRequest
from storage.schemas import MmindexError

router = APIRouter(prefix="/api", tags=["search"])

_MOST: Final = 1000  # answers of one request
_FEW: Final = 50  # hits that are put together in some milliseconds
_RAW: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "a picture, a sound, a video or a text; its type is told by its content",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


@router.get("/search", response_model=AnswerShape, responses=problems("bad-query"))
async def search(here: Here, asked: Annotated[Asked, Query()]) -> Response:
    """Search by a text, or by what is like items or segments of the lake."""
    return await _answer(here, request_of(asked.parts(), asked.options()))


@router.post("/search", response_model=AnswerShape, responses=problems("bad-query", "too-large"))
async def search_parts(here: Here, body: SearchBody) -> Response:
    """Search by several parts with weights; a weight below 0 says what is not wanted."""
    return await _answer(here, body.request())


@router.post(
    "/search/media",
    response_model=AnswerShape,
    responses=problems("bad-query", "too-slow", "too-large", "media-unknown", "media-refused"),
    openapi_extra=_RAW,
)
async def search_media(
    here: Here, request: Request, asked: Annotated[Uploaded, Query()]
) -> Response:
    """Search by a file, which is the body; q, item, segment and without may go with it."""
    began = time.perf_counter()
    with here.uploading():
        limits = here.settings
        async with received(request, limits.upload_bytes, limits.patience) as upload:
            parts = [_media_part(asked, upload), *asked.parts()]
            wanted = request_of(parts, asked.options())
            found = await run_in_threadpool(_by_media, here, upload, asked, wanted)
    return await _shown(here, found, wanted, began)


@router.get(
    "/similar/{item_id}", response_model=AnswerShape, responses=problems("bad-query", "not-found")
)
async def similar(here: Here, item_id: Id, asked: Annotated[Similar, Query()]) -> Response:
    """What is like an item, which is left out itself."""
    served = await run_in_threadpool(here.served)
    if await run_in_threadpool(served.shelf.item, item_id) is None:
        raise missing(f"the snapshot has no item {item_id}", f"快照中没有条目 {item_id}")
    without = [{"text": one, "weight": -1.0} for one in asked.without]
    wanted = request_of([{"item": item_id}, *without], asked.options())
    more = {"k": min(_MOST, wanted.offset + wanted.k + 1), "offset": 0}
    began = time.perf_counter()
    found = await _found(here, wanted.model_copy(update=more))
    others = [hit for hit in found.answer.hits if hit.item_id != item_id]
    hits = tuple(others[wanted.offset : wanted.offset + wanted.k])
    left = Found(found.served, replace(found.answer, hits=hits))
    return await _shown(here, left, wanted, began)


async def _answer(here: Serving, wanted: SearchRequest) -> Response:
    began = time.perf_counter()
    return await _shown(here, await _found(here, wanted), wanted, began)


async def _found(here: Serving, wanted: SearchRequest) -> Found:
    """The answer, from the batch that the search falls into; 503 where it takes too long."""
    await _condition(here, wanted)
    future = here.searches.ask(wanted)
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), here.settings.patience)
    except TimeoutError as error:
        raise busy() from error


async def _condition(here: Serving, wanted: SearchRequest) -> None:
    """Find what a condition lets pass, beside the batches, which do not wait for a slow one."""
    if wanted.where is not None:
        served = await run_in_threadpool(here.served)
        await to_thread.run_sync(served.condition, wanted.where, limiter=here.conditioning)


async def _shown(here: Serving, found: Found, wanted: SearchRequest, began: float) -> Response:
    """The answer as JSON; that of a few hits is made here, which is less than another thread."""
    hits = len(found.answer.hits)
    make = partial(answer_of, found, wanted, more=hits >= wanted.k)
    shape = make() if hits <= _FEW else await run_in_threadpool(make)
    shape.seconds["total"] = round(time.perf_counter() - began, 6)
    here.metrics.searched(shape.seconds)
    return told(shape)


def _media_part(asked: Uploaded, upload: Upload) -> dict[str, Any]:
    return {"media": str(upload.path), "media_modality": asked.as_, "weight": asked.weight}


def _by_media(here: Serving, upload: Upload, asked: Uploaded, wanted: SearchRequest) -> Found:
    """The answer; what is said of the file does not tell where this server put it."""
    try:
        return here.answer_media(upload.path, asked.as_, wanted)
    except MmindexError as error:
        problem = problem_of(error)
        place = str(upload.path)
        en, zh = (text.replace(place, "the file") for text in (problem.en, problem.zh))
        raise ProblemError(problem.code, en, zh, problem.headers) from error
