"""The files of the snapshot, whole or in ranges, and small pictures of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mmcore.search.http.asking import IdText
from mmcore.search.http.media.ranges import answered
from mmcore.search.http.media.roots import MediaStream, changed
from mmcore.search.http.media.small import Picture
from mmcore.search.http.problems import ProblemError, missing
from mmcore.search.http.replies import binary, problems
from mmcore.search.http.served import Served
from mmcore.search.http.serving import Here, Serving
from mmcore.search.http.shelf import Shelved

router = APIRouter(tags=["media"])

_JPEG: Final = "image/jpeg"
_CACHED: Final = {"cache-control": "private, max-age=600"}

Place = Annotated[int, Path(ge=0, le=1_000_000, description="the file's number in its item")]
FileNumber = Annotated[
    int | None, Query(ge=0, le=1_000_000, description="the file of the item that is to be shown")
]
Version = Annotated[
    str | None,
    Query(max_length=32, description="the beginning of the content's id, as in our links"),
]


@router.head("/media/{item_id}/{n}", include_in_schema=False)
@router.get(
    "/media/{item_id}/{n}",
    response_class=Response,
    responses={
        **binary("the file", "*/*"),
        206: {"description": "a range of it", "content": {"*/*": {}}},
        304: {"description": "as it is known"},
        **problems("not-found", "changed", "range"),
    },
)
def media(here: Here, request: Request, item_id: IdText, n: Place, v: Version = None) -> Response:
    """A file of an item, as long as it is the one that was indexed; one range at a time."""
    stream = here.on_served(partial(_opened, item_id, n, v))
    return answered(stream, request.headers, head=request.method == "HEAD")


def _opened(item_id: int, n: int, version: str | None, served: Served) -> MediaStream:
    file = _file(served, item_id, n)
    if version is not None and not file.content_id.startswith(version):
        raise changed()
    return served.roots.open(file)


def _file(served: Served, item_id: int, n: int) -> Shelved:
    files = served.shelf.files(item_id)
    if n >= len(files) or files[n].size is None:
        raise missing(
            f"the snapshot has no file {n} of an item {item_id}",
            f"快照中没有条目 {item_id} 的第 {n} 个文件",
        )
    return files[n]


@router.get(
    "/thumbnails/items/{item_id}",
    response_class=Response,
    responses={**binary("a small picture", _JPEG), **problems("not-found")},
)
async def item_thumbnail(here: Here, item_id: IdText, n: FileNumber = None) -> Response:
    """A small picture of an item: of a file of it, its first picture, or a frame of its video."""
    return await _small(here, Picture(item=item_id, n=n))


@router.get(
    "/thumbnails/{segment_id}",
    response_class=Response,
    responses={**binary("a small picture", _JPEG), **problems("not-found")},
)
async def thumbnail(here: Here, segment_id: IdText) -> Response:
    """A small picture of a picture, or of a frame of a video."""
    return await _small(here, Picture(segment=segment_id))


async def _small(here: Serving, wanted: Picture) -> Response:
    served = await run_in_threadpool(here.served)
    found = served.pictures.found([wanted]).get(wanted)
    if found is None:
        found = await asyncio.wrap_future(here.small.ask(wanted))
    if not found:
        raise _no_picture()
    return Response(found, media_type=_JPEG, headers=_CACHED)


def _no_picture() -> ProblemError:
    return missing("there is no small picture of it", "没有缩略图")
