"""Searches: by text, by JSON, by a file, by an item of the lake."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mmcore.search.asking.typed import parted
from mmcore.search.http.answering import Answered, WithFile
from mmcore.search.http.asking import (
    IdText,
    SearchBody,
    SearchParams,
    Similar,
    Typed,
    Uploaded,
    request_of_fields,
)
from mmcore.search.http.errors import problem_of
from mmcore.search.http.media.uploads import Upload, received
from mmcore.search.http.problems import ProblemError, language_of, missing
from mmcore.search.http.replies import problems, told
from mmcore.search.http.serving import Here, Serving
from mmcore.search.http.shaped import answer_of
from mmcore.search.http.shapes.hits import AnswerShape, TypedShape
from mmcore.search.http.waits import Waiting
from mmcore.search.notes import said
from mmcore.search.request import SearchRequest
from storage.schemas import MmindexError

router = APIRouter(prefix="/api", tags=["search"])

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
async def search(
    here: Here, request: Request, asked: Annotated[SearchParams, Query()]
) -> Response:
    """Search by a text, or by what is like items or segments of the lake."""
    return await _answer(here, request, request_of_fields(asked.parts(), asked.options()))


@router.get("/typed", response_model=TypedShape, responses=problems())
def typed(q: Typed) -> Response:
    """What a person typed into one field: what is looked for, and the -words not wanted."""
    rest, without = parted(q)
    return told(TypedShape(q=rest, without=list(without)))


@router.post("/search", response_model=AnswerShape, responses=problems("bad-query", "too-large"))
async def search_parts(here: Here, request: Request, body: SearchBody) -> Response:
    """Search by several parts with weights; a weight below 0 says what is not wanted."""
    return await _answer(here, request, body.request())


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
    settings = here.settings
    async with received(request, settings.upload_bytes, here.coming) as upload:
        waiting = Waiting.of(request, settings.patience)
        wanted = request_of_fields([_media_part(asked, upload), *asked.parts()], asked.options())
        await _condition(here, waiting, wanted)
        with here.uploading():
            found = await run_in_threadpool(_by_media, here, upload, asked, wanted)
    return await _shown(here, request, found, wanted, began)


@router.get(
    "/similar/{item_id}", response_model=AnswerShape, responses=problems("bad-query", "not-found")
)
async def similar(
    here: Here, request: Request, item_id: IdText, asked: Annotated[Similar, Query()]
) -> Response:
    """What is like an item, which is left out itself."""
    item = partial(here.on_served, lambda served: served.shelf.item(item_id))
    if await run_in_threadpool(item) is None:
        raise missing(f"the snapshot has no item {item_id}", f"快照中没有条目 {item_id}")
    wanted = request_of_fields([{"item": item_id}, *asked.unwanted()], asked.options())
    return await _answer(here, request, wanted)


async def _answer(here: Serving, request: Request, wanted: SearchRequest) -> Response:
    """The answer, from the batch that the search falls into; 503 where all that takes too long."""
    began = time.perf_counter()
    waiting = Waiting.of(request, here.settings.patience)
    await _condition(here, waiting, wanted)
    found = await waiting.result(here.searches.ask(wanted))
    return await _shown(here, request, found, wanted, began)


async def _condition(here: Serving, waiting: Waiting, wanted: SearchRequest) -> None:
    """Find what a condition lets pass, beside the batches, which do not wait for a slow one."""
    if (text := wanted.where) is not None:
        await here.awaited(lambda served: waiting.result(here.condition(served, text)))


async def _shown(
    here: Serving, request: Request, found: Answered, wanted: SearchRequest, began: float
) -> Response:
    """The answer as JSON; made in a thread, since tables may have to be read for it."""
    make = partial(answer_of, found, wanted, more=len(found.answer.hits) >= wanted.k)
    shape = await run_in_threadpool(make)
    shape.seconds["total"] = round(time.perf_counter() - began, 6)
    here.metrics.searched(shape.seconds)
    language = language_of(request.scope)
    notes = [said(note, language) for note in found.answer.notes]
    return told(shape.model_copy(update={"notes": notes}))


def _media_part(asked: Uploaded, upload: Upload) -> dict[str, Any]:
    return {"media": str(upload.path), "media_modality": asked.as_, "weight": asked.weight}


def _by_media(here: Serving, upload: Upload, asked: Uploaded, wanted: SearchRequest) -> Answered:
    """The answer; what is said of the file does not tell where this server put it."""
    try:
        return here.answer_with_file(WithFile(upload.path, asked.as_, wanted))
    except MmindexError as error:
        problem = problem_of(error)
        place = str(upload.path)
        en, zh = problem.en.replace(place, "the file"), problem.zh.replace(place, "该文件")
        raise ProblemError(problem.code, en, zh, problem.headers) from error
